import type { Database, Statement } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { OutgoingMessage } from './message';
import type { OutboxStore, OverdueMessage, Settlement } from './ports';

/**
 * Rows are born leased: the process that committed them hands them to the broker itself, and only when it
 * dies in between does the poller find them, this long after. Later leases double up to the longest.
 */
const firstLeaseSeconds = 5;
const longestLeaseSeconds = 60;

/** A message with the JSON of its envelope, which is made once. */
export interface WrittenMessage extends OutgoingMessage {
  json: string;
}

/** Writes messages and their destinations, in the caller's transaction. */
export const outboxStatement = (messages: readonly WrittenMessage[]): Statement => {
  const destinations = messages.flatMap(({ envelope, bytes, queues }) =>
    queues.map((queue) => ({ envelope, bytes, queue })),
  );
  return {
    text: `WITH message AS (
       INSERT INTO outbox_message (id, workspace_id, envelope)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::json[])
     )
     INSERT INTO outbox_destination (message_id, queue, workspace_id, type, bytes, due_at)
     SELECT m, q, w, t, b, now() + make_interval(secs => ${firstLeaseSeconds})
       FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::int[]) AS d (m, q, w, t, b)`,
    values: [
      messages.map(({ envelope }) => envelope.id),
      messages.map(({ envelope }) => envelope.workspaceId),
      messages.map(({ json }) => json),
      destinations.map(({ envelope }) => envelope.id),
      destinations.map(({ queue }) => queue),
      destinations.map(({ envelope }) => envelope.workspaceId),
      destinations.map(({ envelope }) => envelope.type),
      destinations.map(({ bytes }) => bytes),
    ],
  };
};

/** The outbox as the relay's small role sees it: every workspace, no other table. */
export class PostgresOutbox implements OutboxStore {
  constructor(private readonly database: Database) {}

  /** Locks more than it leases, as it knows only then what is large; those that are over the size are free again at once. */
  claimDue(limit: number, mostBytes: number): Promise<OverdueMessage[]> {
    return this.database.everywhere((sql) =>
      sql.query<OverdueMessage & Record<string, unknown>>(
        `WITH locked AS (
           SELECT message_id, queue, due_at, bytes FROM outbox_destination
            WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
         ), due AS (
           SELECT message_id, queue
             FROM (SELECT message_id, queue, sum(bytes) OVER (ORDER BY due_at, message_id, queue) - bytes AS before FROM locked) l
            WHERE before < $2
         ), leased AS (
           UPDATE outbox_destination d
              SET attempts = d.attempts + 1,
                  due_at = now() + make_interval(secs => least(${longestLeaseSeconds}, ${firstLeaseSeconds} * 2 ^ least(d.attempts, 10))
                                                          * (0.9 + 0.2 * random()))
             FROM due WHERE d.message_id = due.message_id AND d.queue = due.queue
           RETURNING d.message_id, d.queue, d.attempts, d.bytes
         )
         SELECT leased.queue, leased.attempts AS resends, leased.bytes, m.envelope FROM leased JOIN outbox_message m ON m.id = leased.message_id ORDER BY m.id`,
        [limit, mostBytes],
      ),
    );
  }

  async forget(settlements: readonly Settlement[]): Promise<void> {
    const sorted = [...settlements].sort((a, b) => (a.messageId < b.messageId ? -1 : 1));
    await this.database.everywhere((sql) =>
      sql.query(
        `WITH settled AS (
           DELETE FROM outbox_destination d USING unnest($1::uuid[], $2::text[]) AS s (message_id, queue)
            WHERE d.message_id = s.message_id AND d.queue = s.queue
           RETURNING d.message_id
         )
         DELETE FROM outbox_message m
          USING (SELECT message_id, count(*) AS gone FROM settled GROUP BY message_id) s
          WHERE m.id = s.message_id
            AND s.gone = (SELECT count(*) FROM outbox_destination d WHERE d.message_id = m.id)`,
        [sorted.map(({ messageId }) => messageId), sorted.map(({ queue }) => queue)],
      ),
    );
  }

  async makeAllDue(): Promise<void> {
    await this.database.everywhere((sql) =>
      sql.query('UPDATE outbox_destination SET due_at = now(), attempts = 0 WHERE due_at > now()'),
    );
  }

  async adoptEpoch(epoch: string): Promise<boolean> {
    const rows = await this.database.everywhere((sql) =>
      sql.query(
        `INSERT INTO broker_epoch (singleton, epoch) VALUES (true, $1)
         ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch WHERE broker_epoch.epoch <> excluded.epoch
         RETURNING epoch`,
        [epoch],
      ),
    );
    return rows.length > 0;
  }

  /**
   * Two acknowledgements of one message at the same time may each leave its envelope to the other: collect those, of
   * messages older than a minute, by the time in their ids (RFC 9562, version 7).
   */
  async collectOrphans(): Promise<void> {
    const aMinuteAgo = v7({ msecs: Date.now() - 60_000 });
    await this.database.everywhere((sql) =>
      sql.query(
        `DELETE FROM outbox_message WHERE id IN (
           SELECT m.id FROM outbox_message m
            WHERE m.id < $1::uuid
              AND NOT EXISTS (SELECT 1 FROM outbox_destination d WHERE d.message_id = m.id)
            ORDER BY m.id LIMIT 100000)`,
        [aMinuteAgo],
      ),
    );
  }
}
