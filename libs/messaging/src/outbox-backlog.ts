import { isJobType, madeAt, type JobType, type QueueName } from '@countersign/contracts';
import type { Database } from '@countersign/persistence';

/** The messages of this service of one type that one destination has not settled. */
export interface OutboxBacklog {
  queue: QueueName;
  /** Null for those that an older version has sent, which did not say. */
  type: JobType | null;
  messages: number;
  /** When the oldest of them was published, in milliseconds since 1970. */
  oldestPublishedAt: number;
}

/**
 * One pass over the destinations, without sorting them or reading their messages: they are few unless a receiver is away.
 * PostgreSQL 15 has no min(uuid), and the texts of UUIDs are in the order of their bytes.
 */
export const outboxBacklog = async (relay: Database): Promise<OutboxBacklog[]> => {
  const rows = await relay.everywhere((sql) =>
    sql.query<{ queue: QueueName; type: string | null; messages: string; oldest: string }>(
      `SELECT queue, type, count(*) AS messages, min(message_id::text COLLATE "C") AS oldest
         FROM outbox_destination GROUP BY queue, type`,
    ),
  );
  return rows.map(({ queue, type, messages, oldest }) => ({
    queue,
    type: type !== null && isJobType(type) ? type : null,
    messages: Number(messages),
    oldestPublishedAt: madeAt(oldest) ?? Date.now(),
  }));
};
