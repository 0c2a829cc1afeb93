import { jobsOf, type JobType, type QueueName } from '@countersign/contracts';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { DelayedError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { isObservable, lastValueFrom } from 'rxjs';
import { backoff, keyPrefix, type JobData } from './bullmq.broker';
import { Postpone } from './failures';
import type { Handler } from './message';
import type { PackProcessor } from './pack-processor';

export interface BullMqServerOptions {
  queues: readonly QueueName[];
  /** Jobs of one queue that this process handles at the same time. */
  concurrency: number;
  /** A worker blocks its connection, so each gets its own. */
  connect: (name: string) => Redis;
  processor: (handlerOf: (type: JobType) => Handler | undefined) => PackProcessor;
  onFault: (what: string, error: unknown) => void;
}

/** How long a job waits when the database is away; such a wait counts as no try. */
const postponeMs = 1_000;

/** How long running jobs may take to finish when the service stops. */
const closePatienceMs = 4_000;

/** A worker's loop comes round at least every few seconds; one that has stood still this long is wedged. */
const wedgedAfterMs = 60_000;

/** BullMQ's worker, observed: `advancedAt` is the last time its loop asked for a job. */
class ObservedWorker extends Worker<JobData> {
  advancedAt = Date.now();

  protected override async moveToActive(token: string, name?: string) {
    this.advancedAt = Date.now();
    return super.moveToActive(token, name);
  }
}

/**
 * BullMQ as a transport of @nestjs/microservices (docs/adr/0002). `@Handles` methods of controllers get all
 * messages of their type in a pack and the transaction that settles them.
 */
export class BullMqServer extends Server implements CustomTransportStrategy {
  override transportId = Symbol('bullmq');
  private readonly workers: ObservedWorker[] = [];
  private readonly connections: Redis[] = [];

  constructor(private readonly options: BullMqServerOptions) {
    super();
  }

  async listen(callback: (error?: unknown, ...rest: unknown[]) => void): Promise<void> {
    try {
      this.checkHandlers();
    } catch (error) {
      return callback(error);
    }
    // Known from now on: Nest would look them up anew, and rewrite their patterns, for every pack.
    const handlers = new Map(
      this.options.queues.flatMap(jobsOf).map((type) => [type, this.handlerOf(type)] as const),
    );
    const processor = this.options.processor((type) => handlers.get(type));
    for (const queue of this.options.queues) {
      const connection = this.options.connect(`worker ${queue}`);
      connection.on('error', (error) => this.options.onFault(`redis of ${queue}`, error));
      this.connections.push(connection);
      const worker = new ObservedWorker(queue, (job, token) => this.work(processor, queue, job, token), {
        connection,
        prefix: keyPrefix,
        concurrency: this.options.concurrency,
        maxStalledCount: 10,
        // What a killed worker held must be free soon; one that only seems dead does no harm, every write is fenced.
        lockDuration: 10_000,
        stalledInterval: 5_000,
        skipVersionCheck: true,
        settings: {
          backoffStrategy: (made, _type, _error, job) =>
            backoff(
              (job?.data as JobData | undefined)?.retry ?? { firstDelayMs: 1_000, maxDelayMs: 30_000 },
              made,
            ),
        },
      });
      worker.on('error', (error) => this.options.onFault(`worker ${queue}`, error));
      // While Redis was away the loop could not come round; it gets the same time as ever from now on.
      connection.on('ready', () => (worker.advancedAt = Date.now()));
      this.workers.push(worker);
    }
    callback();
  }

  /** Lets running jobs finish, then hangs up; not for long, since a worker whose Redis is away would wait for ever. */
  async close(): Promise<void> {
    const hangUp = () => this.connections.forEach((connection) => connection.disconnect());
    const timer = setTimeout(hangUp, closePatienceMs);
    const isAway = (index: number) => this.connections[index]?.status !== 'ready';
    await Promise.all(this.workers.map((worker, index) => worker.close(isAway(index))));
    clearTimeout(timer);
    hangUp();
  }

  on(): never {
    throw new Error('the BullMQ transport has no events');
  }

  unwrap<T>(): T {
    return this.workers as T;
  }

  /** Queues whose worker loop stands still although its connection is well. */
  wedged(now = Date.now()): string[] {
    return this.workers
      .filter(
        (worker, index) =>
          this.connections[index]?.status === 'ready' && now - worker.advancedAt > wedgedAfterMs,
      )
      .map((worker) => worker.name);
  }

  /** Every job of our queues has exactly one handler, and every handler a job: else the service must not start. */
  private checkHandlers(): void {
    const wanted = new Set<string>(this.options.queues.flatMap(jobsOf));
    const missing = [...wanted].filter((type) => !this.messageHandlers.has(type));
    const unknown = [...this.messageHandlers.keys()].filter((type) => !wanted.has(type));
    const twice = [...this.messageHandlers].filter(([, handler]) => handler.next).map(([type]) => type);
    const problems = [
      ...missing.map((type) => `no handler for ${type}: add a controller method with @Handles('${type}')`),
      ...unknown.map(
        (type) =>
          `a handler for ${type}, which no queue of this service carries: remove it or add the job to the catalogue`,
      ),
      ...twice.map((type) => `two handlers for ${type}: keep one`),
    ];
    if (problems.length > 0)
      throw new Error(`job registry of ${this.options.queues.join(', ')}: ${problems.join('; ')}`);
  }

  private handlerOf(type: JobType): Handler | undefined {
    const handler = this.getHandlerByPattern(type);
    if (!handler) return undefined;
    return async (messages, tx) => {
      // Nest answers with an Observable; an error only shows when somebody waits for it.
      const answer: unknown = await handler(messages, tx);
      if (isObservable(answer)) await lastValueFrom(answer, { defaultValue: undefined });
    };
  }

  private async work(
    processor: PackProcessor,
    queue: QueueName,
    job: Job<JobData>,
    token?: string,
  ): Promise<void> {
    try {
      await processor.process(queue, job.data?.messages ?? job.data, {
        made: job.attemptsMade,
        allowed: job.opts.attempts ?? 1,
        stalls: job.stalledCounter,
      });
    } catch (error) {
      if (!(error instanceof Postpone)) throw error;
      await job.moveToDelayed(Date.now() + postponeMs, token);
      throw new DelayedError();
    }
  }
}
