import { isJobType, jobsOf, queueOwner, queuesOf, type ConsumerService } from '@countersign/contracts';
import type { Messaging } from '@countersign/messaging';
import { Gauge, type Registry } from 'prom-client';
import { unknownType } from './message-metrics';
import { Seldom } from './seldom';

/** The part of a service's messaging that these metrics ask. */
export type Backlogs = Pick<Messaging, 'queueBacklogs' | 'outboxBacklogs'> & {
  deadLetters: Pick<Messaging['deadLetters'], 'waiting'>;
};

const secondsSince = (at: number): number => Math.max(0, Date.now() - at) / 1e3;

/**
 * What waits in Redis and PostgreSQL, asked only when somebody scrapes. All replicas of a service tell the same. What
 * does not answer in time has no series then, and takes none of the others along.
 */
export const addBacklogMetrics = (
  registry: Registry,
  service: ConsumerService,
  messaging: Backlogs,
): void => {
  addQueues(registry, new Seldom(() => messaging.queueBacklogs()));
  addOutbox(registry, new Seldom(() => messaging.outboxBacklogs()));
  addDeadLetters(registry, service, new Seldom(() => messaging.deadLetters.waiting()));
};

const addQueues = (
  registry: Registry,
  backlogs: Seldom<Awaited<ReturnType<Backlogs['queueBacklogs']>>>,
): void => {
  new Gauge({
    name: 'countersign_queue_jobs',
    help: 'Jobs in the queues of this service; each carries a message or a pack of them.',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      const found = await backlogs.ask();
      this.reset();
      for (const { queue, jobs } of found ?? [])
        for (const [state, count] of Object.entries(jobs)) this.set({ queue, state }, count);
    },
  });
  new Gauge({
    name: 'countersign_queue_oldest_seconds',
    help: 'Age of the job that has waited longest in a queue of this service; 0 when none waits.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const found = await backlogs.ask();
      this.reset();
      for (const { queue, oldestSentAt } of found ?? [])
        this.set({ queue }, oldestSentAt === null ? 0 : secondsSince(oldestSentAt));
    },
  });
};

const addOutbox = (
  registry: Registry,
  backlogs: Seldom<Awaited<ReturnType<Backlogs['outboxBacklogs']>>>,
): void => {
  const byDestination = async () => {
    const found = await backlogs.ask();
    if (!found) return [];
    const known = new Map(found.map((backlog) => [backlog.queue as string, backlog]));
    return Object.keys(queueOwner).map((queue) => ({ queue, backlog: known.get(queue) }));
  };
  new Gauge({
    name: 'countersign_outbox_messages',
    help: 'Messages of this service that the destination has not settled.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const found = await byDestination();
      this.reset();
      for (const { queue, backlog } of found) this.set({ queue }, backlog?.messages ?? 0);
    },
  });
  new Gauge({
    name: 'countersign_outbox_oldest_seconds',
    help: 'Age of the oldest message of this service that the destination has not settled; 0 when there is none.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const found = await byDestination();
      this.reset();
      for (const { queue, backlog } of found)
        this.set({ queue }, backlog ? secondsSince(backlog.oldestPublishedAt) : 0);
    },
  });
};

const addDeadLetters = (
  registry: Registry,
  service: ConsumerService,
  letters: Seldom<Awaited<ReturnType<Backlogs['deadLetters']['waiting']>>>,
): void => {
  const expected = queuesOf(service).flatMap((queue) => jobsOf(queue).map((type) => ({ queue, type })));
  new Gauge({
    name: 'countersign_dead_letters',
    help: 'Messages of this service that nobody could handle and nobody has replayed.',
    labelNames: ['queue', 'type'],
    registers: [registry],
    async collect() {
      const found = await letters.ask();
      this.reset();
      if (!found) return;
      for (const labels of expected) this.set(labels, 0);
      for (const { queue, type, count } of found)
        this.inc({ queue, type: isJobType(type) ? type : unknownType }, count);
    },
  });
};
