import type { ServiceName, Envelope } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import { v7 } from 'uuid';

export interface StoredDeadLetter {
  id: string;
  queue: string;
  messageId: string;
  workspaceId: string;
  type: string;
  error: string;
  attempts: number;
  failedAt: Date;
  replayedAt: Date | null;
}

export interface WaitingDeadLetters {
  queue: string;
  type: string;
  count: number;
}

/** What could not be handled, for people: look at it, mend the cause, replay it. */
export class DeadLetters {
  constructor(
    private readonly relay: Database,
    private readonly service: ServiceName,
  ) {}

  /** The oldest that have not been replayed. */
  list(limit = 100): Promise<StoredDeadLetter[]> {
    return this.relay.everywhere((sql) =>
      sql.query<StoredDeadLetter>(
        `SELECT id, queue, message_id AS "messageId", workspace_id AS "workspaceId", type, error, attempts,
                failed_at AS "failedAt", replayed_at AS "replayedAt"
           FROM dead_letter WHERE replayed_at IS NULL ORDER BY failed_at LIMIT $1`,
        [limit],
      ),
    );
  }

  /** How many have not been replayed, by queue and type. */
  async waiting(): Promise<WaitingDeadLetters[]> {
    const rows = await this.relay.everywhere((sql) =>
      sql.query<{ queue: string; type: string; count: string }>(
        'SELECT queue, type, count(*) AS count FROM dead_letter WHERE replayed_at IS NULL GROUP BY queue, type',
      ),
    );
    return rows.map((row) => ({ ...row, count: Number(row.count) }));
  }

  /**
   * Sends a dead letter once more, as a new message of this service to its own queue. False when there is no
   * such letter, it was replayed before, or it is not a message at all.
   */
  replay(id: string): Promise<boolean> {
    return this.relay.everywhere(async (sql) => {
      const [letter] = await sql.query<{ envelope: Envelope | null }>(
        'SELECT envelope FROM dead_letter WHERE id = $1 AND replayed_at IS NULL',
        [id],
      );
      if (!letter?.envelope || typeof letter.envelope !== 'object' || !('data' in letter.envelope))
        return false;
      const envelope: Envelope = {
        ...letter.envelope,
        id: v7(),
        source: this.service,
        causationId: letter.envelope.id,
      };
      const json = JSON.stringify(envelope);
      const rows = await sql.query(
        `WITH replayed AS (
           UPDATE dead_letter SET replayed_at = now() WHERE id = $1 AND replayed_at IS NULL RETURNING queue, workspace_id, type
         ), message AS (
           INSERT INTO outbox_message (id, workspace_id, envelope) SELECT $2, workspace_id, $3::json FROM replayed
         )
         INSERT INTO outbox_destination (message_id, queue, workspace_id, type, bytes, due_at)
         SELECT $2, queue, workspace_id, type, $4, now() FROM replayed RETURNING message_id`,
        [id, envelope.id, json, Buffer.byteLength(json)],
      );
      return rows.length > 0;
    });
  }
}
