import { randomUUID } from 'node:crypto';
import {
  catalogue,
  isJobType,
  type Envelope,
  type QueueName,
  type RetryPolicy,
  type ServiceName,
} from '@countersign/contracts';
import { gatherWrites } from '@countersign/gathered-writes';
import { Queue, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { jobIdOf } from './job-ids';
import type { Broker, Settlement } from './ports';
import { backlogOf, type QueueBacklog } from './queue-backlog';

/** All our keys in Redis start with this. */
export const keyPrefix = 'countersign';
const epochKey = `${keyPrefix}:epoch`;
const settledChannel = (service: ServiceName): string => `${keyPrefix}:settled:${service}`;

/** A sick connection must be noticed, and a dead one be back soon after Redis is (architecture §3.10). */
export const connectToRedis = (url: string, name: string, commandTimeout?: number): Redis => {
  const redis = new Redis(url, {
    connectionName: name,
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    keepAlive: 10_000,
    ...(commandTimeout ? { commandTimeout } : {}),
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
  });
  redis.on('connect', () => void gatherWrites(redis.stream));
  return redis;
};

const policyOf = (envelopes: readonly Envelope[]): RetryPolicy => {
  const policies = envelopes.map(({ type }) => (isJobType(type) ? catalogue[type].retry : undefined));
  return policies.reduce<RetryPolicy>(
    (most, policy) => (policy && policy.attempts > most.attempts ? policy : most),
    {
      attempts: 1,
      firstDelayMs: 100,
      maxDelayMs: 1_000,
    },
  );
};

/** Milliseconds before try `made + 1`: doubles from the first delay up to the longest, and varies by a fifth. */
export const backoff = (policy: Pick<RetryPolicy, 'firstDelayMs' | 'maxDelayMs'>, made: number): number =>
  Math.round(
    Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (made - 1)) * (0.8 + 0.4 * Math.random()),
  );

export interface JobData {
  messages?: readonly Envelope[];
  retry?: Pick<RetryPolicy, 'firstDelayMs' | 'maxDelayMs'>;
}

/** Nothing of a job outlives it in Redis: what must be kept is in PostgreSQL. */
const fleeting: JobsOptions = { removeOnComplete: true, removeOnFail: true };

/** Redis as a road: BullMQ queues with packs of messages, and an epoch that tells when the road was washed away. */
export class BullMqBroker implements Broker {
  private readonly queues = new Map<QueueName, Queue<JobData>>();

  constructor(
    private readonly redis: Redis,
    private readonly onFault: (what: string, error: unknown) => void,
  ) {
    redis.on('error', (error) => onFault('redis', error));
  }

  async send(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    const [first] = envelopes;
    if (!first) return;
    const { attempts, ...retry } = policyOf(envelopes);
    const name = envelopes.length === 1 ? first.type : 'pack';
    await this.queue(queue).add(
      name,
      { messages: envelopes, retry },
      { ...fleeting, jobId: jobIdOf(envelopes), attempts, backoff: { type: 'policy' } },
    );
  }

  async resend(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    await this.queue(queue).addBulk(
      envelopes.map((envelope) => {
        const { attempts, ...retry } = policyOf([envelope]);
        const opts = { ...fleeting, jobId: `ob-${envelope.id}`, attempts, backoff: { type: 'policy' } };
        return { name: envelope.type, data: { messages: [envelope], retry }, opts };
      }),
    );
  }

  async retryAlone(queue: QueueName, envelope: Envelope): Promise<void> {
    const { attempts, ...retry } = policyOf([envelope]);
    await this.queue(queue).add(
      envelope.type,
      { messages: [envelope], retry },
      {
        ...fleeting,
        jobId: `ob-${envelope.id}-alone`,
        attempts,
        delay: backoff(retry, 1),
        backoff: { type: 'policy' },
      },
    );
  }

  async acknowledge(source: ServiceName, settled: readonly Settlement[]): Promise<void> {
    await this.redis.publish(settledChannel(source), JSON.stringify(settled));
  }

  /**
   * Calls back with what receivers say they have settled. Published, not queued: it may be lost, it is as good for every
   * process of the service, and it costs a tenth of a job (docs/adr/0001).
   */
  async onSettled(
    service: ServiceName,
    subscriber: Redis,
    callback: (settled: Settlement[]) => void,
  ): Promise<void> {
    subscriber.on('error', (error) => this.onFault('redis', error));
    subscriber.on('message', (_channel, text) => callback(JSON.parse(text) as Settlement[]));
    await subscriber.subscribe(settledChannel(service));
  }

  async epoch(): Promise<string> {
    const known = await this.redis.get(epochKey);
    if (known !== null) return known;
    await this.redis.set(epochKey, randomUUID(), 'NX');
    return (await this.redis.get(epochKey)) ?? randomUUID();
  }

  get isConnected(): boolean {
    return this.redis.status === 'ready';
  }

  /** Rejects at once when Redis is away: no command of it must wait for its return. */
  async backlogs(queues: readonly QueueName[]): Promise<QueueBacklog[]> {
    if (!this.isConnected) throw new Error('redis is away');
    return Promise.all(queues.map((queue) => backlogOf(this.redis, queue, this.queue(queue))));
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    this.redis.disconnect();
  }

  private queue(name: QueueName): Queue<JobData> {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new Queue<JobData>(name, {
        connection: this.redis,
        prefix: keyPrefix,
        skipVersionCheck: true,
        // Nobody reads the event stream, so it is kept as short as it can be.
        streams: { events: { maxLen: 10 } },
        skipMetasUpdate: true,
      });
      queue.on('error', (error) => this.onFault(`queue ${name}`, error));
      this.queues.set(name, queue);
    }
    return queue;
  }
}
