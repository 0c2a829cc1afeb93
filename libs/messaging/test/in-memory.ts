import type { Envelope, QueueName, ServiceName } from '@countersign/contracts';
import { v7 } from 'uuid';
import type { OutgoingMessage, Tx } from '../src/message';
import type {
  Broker,
  Clock,
  DeadLetter,
  InboxStore,
  OutboxStore,
  OverdueMessage,
  Settlement,
} from '../src/ports';

/** Parts of the messaging that live in memory and can be made to misbehave, for tests of the protocol itself. */

export class ManualClock implements Clock {
  private time = Date.now();
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  }

  /** Lets time pass, running what falls due in order, and the promises in between. */
  async pass(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await settle();
      const next = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = until;
    await settle();
  }
}

/** Lets everything run that only waits for promises. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

export const envelopeOf = (overrides: Partial<Envelope> = {}): Envelope => ({
  id: v7(),
  type: 'delivery.attempt.v1',
  source: 'notification',
  occurredAt: new Date().toISOString(),
  workspaceId: v7(),
  correlationId: v7(),
  causationId: null,
  traceparent: null,
  data: { deliveryId: v7(), attempt: 1 },
  ...overrides,
});

interface Destination {
  envelope: Envelope;
  bytes: number;
  queue: QueueName;
  dueAt: number;
  resends: number;
}

export class MemoryOutbox implements OutboxStore {
  readonly rows: Destination[] = [];
  epoch: string | null = null;

  constructor(private readonly clock: Clock) {}

  commit(messages: readonly OutgoingMessage[]): void {
    for (const { envelope, bytes, queues } of messages) {
      for (const queue of queues)
        this.rows.push({ envelope, bytes, queue, dueAt: this.clock.now() + 5_000, resends: 0 });
    }
  }

  async claimDue(limit: number, mostBytes: number): Promise<OverdueMessage[]> {
    let claimed = 0;
    const due = this.rows
      .filter(({ dueAt }) => dueAt <= this.clock.now())
      .slice(0, limit)
      .filter(({ bytes }) => (claimed += bytes) - bytes < mostBytes);
    for (const row of due) {
      row.resends += 1;
      row.dueAt = this.clock.now() + 5_000 * 2 ** row.resends;
    }
    return due.map(({ envelope, bytes, queue, resends }) => ({ envelope, bytes, queue, resends }));
  }

  async forget(settlements: readonly Settlement[]): Promise<void> {
    for (const { messageId, queue } of settlements) {
      const index = this.rows.findIndex((row) => row.envelope.id === messageId && row.queue === queue);
      if (index >= 0) this.rows.splice(index, 1);
    }
  }

  async makeAllDue(): Promise<void> {
    for (const row of this.rows) Object.assign(row, { dueAt: this.clock.now(), resends: 0 });
  }

  async adoptEpoch(epoch: string): Promise<boolean> {
    const isNew = this.epoch !== epoch;
    this.epoch = epoch;
    return isNew;
  }
}

export class MemoryBroker implements Broker {
  /** Packs as sent; `null` stands for a send that failed. */
  readonly sent: { queue: QueueName; ids: string[] }[] = [];
  readonly resent: { queue: QueueName; ids: string[] }[] = [];
  readonly alone: { queue: QueueName; id: string }[] = [];
  readonly acknowledged: { source: ServiceName; settlements: readonly Settlement[] }[] = [];
  currentEpoch = 'first';
  failing = false;
  /** While set, sends wait for it. */
  gate: Promise<void> | null = null;

  async send(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    if (this.gate) await this.gate;
    if (this.failing) throw new Error('broker away');
    this.sent.push({ queue, ids: envelopes.map(({ id }) => id) });
  }

  async resend(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    if (this.failing) throw new Error('broker away');
    this.resent.push({ queue, ids: envelopes.map(({ id }) => id) });
  }

  async retryAlone(queue: QueueName, { id }: Envelope): Promise<void> {
    this.alone.push({ queue, id });
  }

  async acknowledge(source: ServiceName, settlements: readonly Settlement[]): Promise<void> {
    if (this.failing) throw new Error('broker away');
    this.acknowledged.push({ source, settlements });
  }

  async epoch(): Promise<string> {
    if (this.failing) throw new Error('broker away');
    return this.currentEpoch;
  }
}

/** A database in miniature: what a transaction did is undone when it throws. */
export class MemoryDatabase implements InboxStore {
  received = new Set<string>();
  readonly letters: { queue: QueueName; letter: DeadLetter }[] = [];
  effects: string[] = [];
  away = false;

  unitOfWork = async <T>(_workspaces: readonly string[], work: (tx: Tx) => Promise<T>): Promise<T> => {
    if (this.away) throw Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });
    const before = { received: new Set(this.received), effects: [...this.effects] };
    try {
      return await work({
        query: async () => [],
        write: () => undefined,
        publish: () => undefined,
        afterCommit: () => undefined,
      });
    } catch (error) {
      Object.assign(this, before);
      throw error;
    }
  };

  async admit(_tx: Tx, queue: QueueName, messages: readonly Envelope[]): Promise<Set<string>> {
    const fresh = messages.filter(({ id }) => !this.received.has(`${queue} ${id}`));
    for (const { id } of fresh) this.received.add(`${queue} ${id}`);
    return new Set(fresh.map(({ id }) => id));
  }

  async bury(queue: QueueName, letter: DeadLetter): Promise<void> {
    if (this.away) throw Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });
    const id = letter.envelope ? `${queue} ${letter.envelope.id}` : null;
    if (id && this.received.has(id)) return;
    if (id) this.received.add(id);
    this.letters.push({ queue, letter });
  }
}
