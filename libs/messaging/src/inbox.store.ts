import { madeAt, type Envelope, type QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { Tx } from './message';
import type { DeadLetter, InboxStore } from './ports';

/** How long a received id is remembered. No sender may try for longer: `isTooOld` turns such a message away. */
export const inboxRetentionDays = 30;

/** What belongs to no workspace, such as a job that is not even an envelope. */
const nobody = '00000000-0000-0000-0000-000000000000';

/** True when the inbox may have forgotten this message, so that handling it could do it twice. */
export const isTooOld = (messageId: string, now: number): boolean =>
  (madeAt(messageId) ?? now) < now - (inboxRetentionDays - 1) * 86_400_000;

export class PostgresInbox implements InboxStore {
  constructor(private readonly database: Database) {}

  async admit(tx: Tx, queue: QueueName, messages: readonly Envelope[]): Promise<Set<string>> {
    // Sorted, so that two workers with overlapping packs wait for each other instead of dead-locking.
    const sorted = [...messages].sort((a, b) => (a.id < b.id ? -1 : 1));
    const rows = await tx.query<{ message_id: string }>(
      `INSERT INTO inbox (queue, message_id, workspace_id)
       SELECT $1, * FROM unnest($2::uuid[], $3::uuid[]) ON CONFLICT DO NOTHING RETURNING message_id`,
      [queue, sorted.map(({ id }) => id), sorted.map(({ workspaceId }) => workspaceId)],
    );
    return new Set(rows.map((row) => row.message_id));
  }

  async bury(queue: QueueName, { envelope, raw, error, attempts }: DeadLetter): Promise<void> {
    // One statement: the letter exists if and only if the message counts as received.
    await this.database.everywhere((sql) =>
      sql.query(
        `WITH received AS (
           INSERT INTO inbox (queue, message_id, workspace_id) VALUES ($2, $3, $4) ON CONFLICT DO NOTHING RETURNING message_id
         )
         INSERT INTO dead_letter (id, queue, message_id, workspace_id, type, envelope, error, attempts)
         SELECT $1, $2, message_id, $4, $5, $6, $7, $8 FROM received`,
        [
          v7(),
          queue,
          envelope?.id ?? v7(),
          envelope?.workspaceId ?? nobody,
          envelope?.type ?? 'unreadable',
          JSON.stringify(envelope ?? raw ?? null),
          error.replaceAll('\0', '').slice(0, 2_000).toWellFormed(),
          attempts,
        ],
      ),
    );
  }

  /** Forgets what no sender can send any more. */
  async prune(): Promise<void> {
    await this.database.everywhere((sql) =>
      sql.query(
        `DELETE FROM inbox WHERE (queue, message_id) IN (
           SELECT queue, message_id FROM inbox
            WHERE received_at < now() - interval '${inboxRetentionDays} days' ORDER BY received_at LIMIT 100000)`,
      ),
    );
  }
}
