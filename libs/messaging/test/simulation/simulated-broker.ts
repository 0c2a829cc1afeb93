import {
  catalogue,
  isJobType,
  type ServiceName,
  type Envelope,
  type QueueName,
} from '@countersign/contracts';
import type { Settlement } from '../../src/ports';
import type { Life } from './life';
import type { World } from './world';

export interface Job {
  id: string;
  messages: readonly Envelope[];
  attemptsMade: number;
  attempts: number;
  stalls: number;
  state: 'waiting' | 'active' | 'delayed';
  /** Changes with every worker that gets the job: whoever holds an older one has lost the lock. */
  lock: number;
  worker: Life | null;
}

export type Outcome = 'completed' | 'failed' | 'postponed';

/** A job as a worker got it. */
export interface TakenJob {
  job: Job;
  lock: number;
  attemptsMade: number;
  stalls: number;
}

/** As bullmq.server.ts has it. */
const postponeMs = 1_000;

interface Idle {
  worker: Life;
  resolve: (taken: TakenJob) => void;
}

interface Queue {
  jobs: Map<string, Job>;
  idle: Idle[];
  isWaking: boolean;
}

interface Subscriber {
  life: Life;
  callback: (settled: Settlement[]) => void;
}

/** Redis with BullMQ's queues in it: jobs with ids, locks, tries and delays, all of it in memory that can be wiped. */
export class SimulatedBroker {
  readonly queues = new Map<QueueName, Queue>();
  epoch: string | null = null;
  /** The connection breaks once, with the next job that is sent. */
  losesNextSend = false;
  private readonly subscribers = new Map<ServiceName, Set<Subscriber>>();
  private back: { promise: Promise<void>; resolve: () => void } | null = null;
  private locks = 0;

  constructor(private readonly world: World) {}

  get isAway(): boolean {
    return this.back !== null;
  }

  get whenBack(): Promise<void> {
    return this.back?.promise ?? Promise.resolve();
  }

  goAway(): void {
    if (this.back) return;
    let resolve = () => {};
    const promise = new Promise<void>((done) => (resolve = done));
    this.back = { promise, resolve };
  }

  comeBack(): void {
    this.back?.resolve();
    this.back = null;
  }

  /** FLUSHALL, or a restart without persistence. Workers keep what they have in hand. */
  wipe(): void {
    for (const { jobs } of this.queues.values()) jobs.clear();
    this.epoch = null;
  }

  queue(name: QueueName): Queue {
    let queue = this.queues.get(name);
    if (!queue) this.queues.set(name, (queue = { jobs: new Map(), idle: [], isWaking: false }));
    return queue;
  }

  /** A job with an id that exists is dropped, in whatever state the first one is. */
  add(name: QueueName, id: string, messages: readonly Envelope[], delay = 0): void {
    const queue = this.queue(name);
    if (queue.jobs.has(id)) return;
    const attempts = Math.max(
      1,
      ...messages.map(({ type }) => (isJobType(type) ? catalogue[type].retry.attempts : 1)),
    );
    const job: Job = {
      id,
      messages,
      attempts,
      attemptsMade: 0,
      stalls: 0,
      state: 'delayed',
      lock: 0,
      worker: null,
    };
    queue.jobs.set(id, job);
    this.delay(name, job, delay);
  }

  /** The next job for this worker, in no particular order, once there is one. */
  take(name: QueueName, worker: Life): Promise<TakenJob> {
    return new Promise((resolve) => {
      this.queue(name).idle.push({ worker, resolve });
      this.wake(name);
    });
  }

  /** This worker wants no more jobs. */
  stopAsking(worker: Life): void {
    for (const queue of this.queues.values())
      queue.idle = queue.idle.filter((idle) => idle.worker !== worker);
  }

  /** False when the lock has been lost, or the job with the broker's memory. */
  finish(name: QueueName, job: Job, lock: number, outcome: Outcome): boolean {
    const { jobs } = this.queue(name);
    this.world.count(outcome);
    if (jobs.get(job.id) !== job || job.lock !== lock || job.state !== 'active') {
      this.world.count('lock lost');
      return false;
    }
    job.worker = null;
    if (outcome === 'failed') job.attemptsMade++;
    if (outcome === 'completed' || (outcome === 'failed' && job.attemptsMade >= job.attempts))
      jobs.delete(job.id);
    else
      this.delay(
        name,
        job,
        outcome === 'postponed' ? postponeMs : this.backoff(job.messages, job.attemptsMade),
      );
    return true;
  }

  /** Hands jobs in hand to somebody else although their workers may go on: all of them, or those of one worker. */
  expireLocks(worker?: Life): void {
    for (const [name, { jobs }] of this.queues) {
      for (const job of jobs.values()) {
        if (job.state !== 'active' || (worker && job.worker !== worker)) continue;
        this.world.note(() => `${name}: lock of ${this.nameOf(job)} expired`);
        job.stalls++;
        job.worker = null;
        this.makeWaiting(name, job);
      }
    }
  }

  backoff(messages: readonly Envelope[], made: number): number {
    const [first] = messages;
    const policy =
      first && isJobType(first.type) ? catalogue[first.type].retry : { firstDelayMs: 100, maxDelayMs: 1_000 };
    return (
      Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (made - 1)) *
      (0.8 + 0.4 * this.world.random.next())
    );
  }

  subscribe(service: ServiceName, subscriber: Subscriber): void {
    const list = this.subscribers.get(service) ?? new Set();
    this.subscribers.set(service, list.add(subscriber));
  }

  unsubscribe(life: Life): void {
    for (const list of this.subscribers.values())
      for (const subscriber of list) if (subscriber.life === life) list.delete(subscriber);
  }

  /** To every subscriber on its own: late, twice, or never. */
  publish(service: ServiceName, settled: readonly Settlement[]): void {
    for (const { life, callback } of this.subscribers.get(service) ?? []) {
      if (this.world.mishap(0.1)) continue;
      const copies = this.world.mishap(0.05) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++)
        life.later(this.world.latency(), () => callback([...settled]));
    }
  }

  nameOf({ id, messages, stalls }: Job): string {
    const kind = /-(alone|twice)$/.exec(id)?.[0] ?? '';
    const names = messages.map((message) => this.world.name(message.id)).join(' ');
    return `job [${names}]${kind}${stalls > 0 ? `, which has stalled ${stalls}×` : ''}`;
  }

  /** For workers that were not asked while they were frozen. */
  wakeAll(): void {
    for (const name of this.queues.keys()) this.wake(name);
  }

  private delay(name: QueueName, job: Job, ms: number): void {
    if (ms <= 0) return this.makeWaiting(name, job);
    job.state = 'delayed';
    this.world.scheduler.after(ms, () => {
      if (this.queue(name).jobs.get(job.id) === job && job.state === 'delayed') this.makeWaiting(name, job);
    });
  }

  private makeWaiting(name: QueueName, job: Job): void {
    job.state = 'waiting';
    this.wake(name);
  }

  private wake(name: QueueName): void {
    const queue = this.queue(name);
    if (queue.isWaking || queue.idle.length === 0) return;
    queue.isWaking = true;
    this.world.scheduler.after(this.world.latency(), () => {
      queue.isWaking = false;
      if (this.isAway) return void this.whenBack.then(() => this.wake(name));
      queue.idle = queue.idle.filter(({ worker }) => !worker.isOver);
      const waiting = [...queue.jobs.values()].filter(({ state }) => state === 'waiting');
      const ready = queue.idle.filter(({ worker }) => !worker.isFrozen);
      if (waiting.length === 0 || ready.length === 0) return;
      const job = this.world.random.pick(waiting);
      const idle = this.world.random.pick(ready);
      queue.idle.splice(queue.idle.indexOf(idle), 1);
      Object.assign(job, { state: 'active', worker: idle.worker, lock: ++this.locks });
      idle.resolve({ job, lock: job.lock, attemptsMade: job.attemptsMade, stalls: job.stalls });
      this.wake(name);
    });
  }
}
