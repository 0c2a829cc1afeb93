import { madeAt, type QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';

/** The messages of this service that one destination has not settled. */
export interface OutboxBacklog {
  queue: QueueName;
  messages: number;
  /** When the oldest of them was published, in milliseconds since 1970. */
  oldestPublishedAt: number;
}

/**
 * One pass over the destinations, without sorting them: they are few unless a receiver is away. PostgreSQL 15 has no
 * min(uuid), and the texts of UUIDs are in the order of their bytes.
 */
export const outboxBacklog = async (relay: Database): Promise<OutboxBacklog[]> => {
  const rows = await relay.everywhere((sql) =>
    sql.query<{ queue: QueueName; messages: string; oldest: string }>(
      `SELECT queue, count(*) AS messages, min(message_id::text COLLATE "C") AS oldest
         FROM outbox_destination GROUP BY queue`,
    ),
  );
  return rows.map(({ queue, messages, oldest }) => ({
    queue,
    messages: Number(messages),
    oldestPublishedAt: madeAt(oldest) ?? Date.now(),
  }));
};
