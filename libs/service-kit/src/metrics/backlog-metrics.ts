import {
  isJobType,
  jobsOf,
  queueOwner,
  queuesOf,
  type QueueName,
  type ServiceName,
} from '@countersign/contracts';
import type { Messaging, OutboxBacklog } from '@countersign/messaging';
import { Gauge, type Registry } from 'prom-client';
import { unknownType } from './message-metrics';
import { Seldom } from './seldom';

/** The part of a service's messaging that these metrics ask. */
export type Backlogs = Pick<Messaging, 'queueBacklogs' | 'outboxBacklogs'> & {
  deadLetters: Pick<Messaging['deadLetters'], 'waiting'>;
};

const labelsOf = (queue: string, type: string | null): Record<'queue' | 'type', string> => ({
  queue,
  type: type !== null && isJobType(type) ? type : unknownType,
});

/** A series for each type of each queue, so that none begins with its first message. */
const zeroes = (queues: readonly QueueName[]) =>
  queues.flatMap((queue) => jobsOf(queue).map((type) => [labelsOf(queue, type), 0] as const));

const secondsSince = (at: number): number => Math.max(0, Date.now() - at) / 1e3;

/**
 * What waits in Redis and PostgreSQL, asked only when somebody scrapes. All replicas of a service tell the same. What
 * does not answer in time has no series then, and takes none of the others along.
 */
export const addBacklogMetrics = (registry: Registry, service: ServiceName, messaging: Backlogs): void => {
  addQueues(registry, new Seldom(() => messaging.queueBacklogs()));
  addOutbox(registry, new Seldom(() => messaging.outboxBacklogs()));
  addDeadLetters(registry, service, new Seldom(() => messaging.deadLetters.waiting()));
};

/** A gauge told anew at each scrape: samples with the same labels add up, and a series without a sample is gone. */
const gauge = <Label extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: Label[],
  samples: () => Promise<(readonly [labels: Record<Label, string>, value: number])[]>,
): void => {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const found = await samples();
      this.reset();
      for (const [labels, value] of found) this.inc(labels, value);
    },
  });
};

const addQueues = (
  registry: Registry,
  backlogs: Seldom<Awaited<ReturnType<Backlogs['queueBacklogs']>>>,
): void => {
  gauge(
    registry,
    'countersign_queue_jobs',
    'Jobs in the queues of this service; each carries a message or a pack of them.',
    ['queue', 'state'],
    async () =>
      ((await backlogs.ask()) ?? []).flatMap(({ queue, jobs }) =>
        Object.entries(jobs).map(([state, count]) => [{ queue, state }, count] as const),
      ),
  );
  gauge(
    registry,
    'countersign_queue_oldest_seconds',
    'Age of the job that has waited longest in a queue of this service; 0 when none waits.',
    ['queue'],
    async () =>
      ((await backlogs.ask()) ?? []).map(({ queue, oldestSentAt }) => [
        { queue },
        oldestSentAt === null ? 0 : secondsSince(oldestSentAt),
      ]),
  );
};

const addOutbox = (
  registry: Registry,
  backlogs: Seldom<Awaited<ReturnType<Backlogs['outboxBacklogs']>>>,
): void => {
  const nothing = zeroes(Object.keys(queueOwner) as QueueName[]);
  const byDestination = async (valueOf: (backlog: OutboxBacklog) => number) => {
    const found = await backlogs.ask();
    if (!found) return [];
    const waiting = found.map(
      (backlog) => [labelsOf(backlog.queue, backlog.type), valueOf(backlog)] as const,
    );
    return [...nothing, ...waiting];
  };
  gauge(
    registry,
    'countersign_outbox_messages',
    'Messages of this service that the destination has not settled.',
    ['queue', 'type'],
    () => byDestination(({ messages }) => messages),
  );
  gauge(
    registry,
    'countersign_outbox_oldest_seconds',
    'Age of the oldest message of this service that the destination has not settled; 0 when there is none.',
    ['queue', 'type'],
    () => byDestination(({ oldestPublishedAt }) => secondsSince(oldestPublishedAt)),
  );
};

const addDeadLetters = (
  registry: Registry,
  service: ServiceName,
  letters: Seldom<Awaited<ReturnType<Backlogs['deadLetters']['waiting']>>>,
): void => {
  const none = zeroes(queuesOf(service));
  gauge(
    registry,
    'countersign_dead_letters',
    'Messages of this service that nobody could handle and nobody has replayed.',
    ['queue', 'type'],
    async () => {
      const found = await letters.ask();
      if (!found) return [];
      const waiting = found.map(({ queue, type, count }) => [labelsOf(queue, type), count] as const);
      return [...none, ...waiting];
    },
  );
};
