import type { QueueName } from '@countersign/contracts';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** What a queue in Redis holds, in jobs: each carries one message or a pack of them, of any types. */
export interface QueueBacklog {
  queue: QueueName;
  jobs: { waiting: number; active: number; delayed: number };
  /** When the job that has waited longest was sent, in milliseconds since 1970; null when none waits. */
  oldestSentAt: number | null;
}

/** Three commands, whatever the queue holds; the jobs' data stays in Redis. */
export const backlogOf = async (redis: Redis, name: QueueName, queue: Queue): Promise<QueueBacklog> => {
  const [counts, [oldest]] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'delayed'),
    queue.getRanges(['waiting'], 0, 0, true),
  ]);
  const { waiting = 0, active = 0, delayed = 0 } = counts;
  return {
    queue: name,
    jobs: { waiting, active, delayed },
    oldestSentAt: oldest === undefined ? null : await sentAt(redis, queue.toKey(oldest)),
  };
};

/** Null when the job has been taken and done in between. */
const sentAt = async (redis: Redis, jobKey: string): Promise<number | null> => {
  const timestamp = await redis.hget(jobKey, 'timestamp');
  return timestamp === null ? null : Number(timestamp);
};
