import { unhurried, type Envelope, type QueueName } from '@countersign/contracts';
import type { OutgoingMessage } from './message';
import { unobserved, type MessagingObserver } from './observer';
import type { Broker, Clock, OutboxStore, OverdueMessage, Settlement } from './ports';

export interface RelayOptions {
  /** Most messages in one job. */
  packSize: number;
  /** A job gets no more messages once they have so many bytes together. */
  packBytes: number;
  /** Jobs of this process to one queue that may be unacknowledged before messages gather for fuller ones. */
  window: number;
  /** Longest that a message gathers while the destination is behind, in milliseconds. */
  patienceMs: number;
  /** Time between two looks for messages that a crash left behind, in milliseconds. */
  pollMs: number;
  /** The same while this process has had nothing to send for a while. */
  idlePollMs: number;
}

export const relayDefaults: RelayOptions = {
  packSize: 100,
  packBytes: 1024 * 1024,
  window: 4,
  patienceMs: 50,
  pollMs: 500,
  idlePollMs: 1_000,
};

/** A process that has had nothing to send for this long is idle. */
const idleAfterMs = 10_000;

/** After this long the poller sends what is unsettled again, so its job no longer counts in the window. */
const leaseMs = 5_000;

/** The poller comes round many times in this time even while database and broker keep failing; else it is wedged. */
const wedgedAfterMs = 60_000;

/** So many full packs are claimed at one look. */
const packsAClaim = 5;

/** How long settled messages gather before their rows go, in milliseconds: nobody waits for that. */
const forgetMs = 250;

/** Bound memory while the broker is away: of one queue. */
const mostWaiting = 10_000;
const mostWaitingBytes = 64 * 1024 * 1024;

/** Bounds memory while a receiver is down for long; what is no longer tracked is settled when it has been sent again. */
const mostTracked = 200_000;

/** Messages for one queue on their way out. */
interface Lane {
  waiting: { envelope: Envelope; bytes: number }[];
  waitingBytes: number;
  /** When what waits must leave, in milliseconds since 1970, unless a fuller job or a more urgent message takes it along. */
  leaveAt: number;
  /**
   * What this process has sent and has not heard of, by message. A job takes a place in the window until its set is
   * empty: all settled, or given up.
   */
  unsettled: Map<string, Set<string>>;
  inFlight: number;
  sending: boolean;
  timer: { at: number; cancel: () => void } | null;
}

/**
 * Moves messages from the outbox to the broker. Nothing waits while a destination keeps up; while it is
 * behind, messages gather and leave as fewer, fuller jobs. Losing everything in here costs only time: the
 * rows stay in the outbox until the receiver has settled them (docs/adr/0001).
 */
export class Relay {
  private readonly lanes = new Map<QueueName, Lane>();
  private readonly options: RelayOptions;
  private cancelPoll: (() => void) | null = null;
  private polling: Promise<void> = Promise.resolve();
  /** When the poller last came round, whether it succeeded or not. */
  private polledAt = 0;
  /** When this process last had something to send. */
  private busyAt = 0;
  private stopped = true;
  /** A send has failed: what it carried may be anywhere, so everything unsettled goes again once the broker answers. */
  private doubtful = false;
  private epoch: string | null = null;
  private readonly toForget: Settlement[] = [];
  private cancelForget: (() => void) | null = null;

  constructor(
    private readonly store: OutboxStore,
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly onFault: (what: string, error: unknown) => void,
    options: Partial<RelayOptions> = {},
    private readonly observer: Pick<MessagingObserver, 'resent'> = unobserved,
  ) {
    this.options = { ...relayDefaults, ...options };
  }

  start(): void {
    this.stopped = false;
    this.polledAt = this.clock.now();
    this.schedulePoll(0);
  }

  /** True when the poller should be running and has not come round for a minute. */
  isWedged(): boolean {
    return !this.stopped && this.clock.now() - this.polledAt > wedgedAfterMs;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelPoll?.();
    for (const lane of this.lanes.values()) lane.timer?.cancel();
    this.cancelForget?.();
    if (this.toForget.length > 0) await this.forget();
    await this.polling;
  }

  /** Takes over messages that have just been committed. */
  offer(messages: readonly OutgoingMessage[]): void {
    if (this.stopped || messages.length === 0) return;
    this.busyAt = this.clock.now();
    const touched = new Set<QueueName>();
    for (const { envelope, bytes, queues, patienceMs = 0 } of messages) {
      for (const queue of queues) {
        const lane = this.lane(queue);
        // What does not fit is not lost: it stays in the outbox, and the poller finds it.
        if (lane.waiting.length < mostWaiting && lane.waitingBytes < mostWaitingBytes) {
          lane.waiting.push({ envelope, bytes });
          lane.waitingBytes += bytes;
        }
        const leaveAt = this.clock.now() + Math.max(patienceMs, unhurried[queue] ?? 0);
        lane.leaveAt = Math.min(lane.leaveAt, leaveAt);
        touched.add(queue);
      }
    }
    for (const queue of touched) this.advance(queue);
  }

  /**
   * The receivers have settled these messages. Every process of the sending service hears of it; each looks after what
   * it has sent itself.
   */
  settled(settlements: readonly Settlement[]): void {
    const ours = settlements.filter(({ messageId, queue }) => this.lane(queue).unsettled.has(messageId));
    if (ours.length === 0) return;
    for (const { messageId, queue } of ours) {
      const lane = this.lane(queue);
      const job = lane.unsettled.get(messageId);
      lane.unsettled.delete(messageId);
      if (job?.delete(messageId) && job.size === 0) lane.inFlight--;
    }
    for (const queue of new Set(ours.map(({ queue }) => queue))) this.advance(queue);
    this.toForget.push(...ours);
    this.cancelForget ??= this.clock.after(forgetMs, () => void this.forget());
  }

  /** Should this fail the messages come again, and are settled again. */
  private async forget(): Promise<void> {
    this.cancelForget = null;
    const settlements = this.toForget.splice(0);
    await this.store.forget(settlements).catch((error) => this.onFault('forgetting what is settled', error));
  }

  private lane(queue: QueueName): Lane {
    let lane = this.lanes.get(queue);
    if (!lane) {
      lane = {
        waiting: [],
        waitingBytes: 0,
        leaveAt: Infinity,
        unsettled: new Map(),
        inFlight: 0,
        sending: false,
        timer: null,
      };
      this.lanes.set(queue, lane);
    }
    return lane;
  }

  private advance(queue: QueueName): void {
    const lane = this.lane(queue);
    if (lane.sending || lane.waiting.length === 0 || this.stopped) return;
    const now = this.clock.now();
    const keepsUp = lane.inFlight < this.options.window;
    const isFull =
      lane.waiting.length >= this.options.packSize || lane.waitingBytes >= this.options.packBytes;
    if ((keepsUp && lane.leaveAt <= now) || isFull) {
      void this.send(queue, lane);
    } else {
      // Not for ever: an acknowledgement that got lost must not hold messages up.
      this.sendAt(
        queue,
        lane,
        keepsUp ? lane.leaveAt : Math.max(lane.leaveAt, now) + this.options.patienceMs,
      );
    }
  }

  private sendAt(queue: QueueName, lane: Lane, at: number): void {
    if (lane.timer && lane.timer.at <= at) return;
    lane.timer?.cancel();
    const cancel = this.clock.after(at - this.clock.now(), () => {
      lane.timer = null;
      if (!lane.sending && lane.waiting.length > 0 && !this.stopped) void this.send(queue, lane);
    });
    lane.timer = { at, cancel };
  }

  private async send(queue: QueueName, lane: Lane): Promise<void> {
    lane.timer?.cancel();
    lane.timer = null;
    lane.sending = true;
    const pack = this.takePack(lane);
    if (lane.waiting.length === 0) lane.leaveAt = Infinity;
    const job = this.track(lane, pack);
    lane.inFlight++;
    try {
      await this.broker.send(queue, pack);
    } catch (error) {
      this.doubtful = true;
      this.onFault(`sending to ${queue}`, error);
    } finally {
      lane.sending = false;
    }
    this.clock.after(leaseMs, () => {
      if (job.size === 0) return;
      job.clear();
      lane.inFlight--;
      this.advance(queue);
    });
    this.advance(queue);
  }

  /** At least one message, however large it is. */
  private takePack(lane: Lane): Envelope[] {
    const { packSize, packBytes } = this.options;
    let count = 0;
    let bytes = 0;
    for (const next of lane.waiting) {
      if (count === packSize || (count > 0 && bytes + next.bytes > packBytes)) break;
      count++;
      bytes += next.bytes;
    }
    lane.waitingBytes -= bytes;
    return lane.waiting.splice(0, count).map(({ envelope }) => envelope);
  }

  private track(lane: Lane, envelopes: readonly Envelope[]): Set<string> {
    if (lane.unsettled.size > mostTracked) lane.unsettled.clear();
    const job = new Set(envelopes.map(({ id }) => id));
    for (const id of job) lane.unsettled.set(id, job);
    return job;
  }

  private schedulePoll(ms: number): void {
    if (this.stopped) return;
    this.cancelPoll = this.clock.after(ms, () => {
      this.polling = this.poll()
        .then(
          (found) => (found ? 0 : this.pauseMs()),
          (error) => {
            this.doubtful = true;
            this.onFault('looking for unsettled messages', error);
            return this.options.pollMs;
          },
        )
        .then((pause) => {
          this.polledAt = this.clock.now();
          this.schedulePoll(pause);
        });
    });
  }

  private pauseMs(): number {
    const idle = this.clock.now() - this.busyAt > idleAfterMs;
    return idle ? this.options.idlePollMs : this.options.pollMs;
  }

  /** True when there may be more to send at once. */
  private async poll(): Promise<boolean> {
    const epoch = await this.broker.epoch();
    const isNew = epoch !== this.epoch && (await this.store.adoptEpoch(epoch));
    this.epoch = epoch;
    if (isNew || this.doubtful) {
      this.doubtful = false;
      await this.store.makeAllDue();
    }
    const limit = this.options.packSize * packsAClaim;
    const mostBytes = this.options.packBytes * packsAClaim;
    const overdue = await this.store.claimDue(limit, mostBytes);
    if (overdue.length > 0) this.busyAt = this.clock.now();
    await this.sendAgain(overdue);
    return overdue.length === limit || overdue.reduce((sum, { bytes }) => sum + bytes, 0) >= mostBytes;
  }

  /**
   * The first time in packs, as the message may be lost. Later the receiver is more likely just behind or down, and
   * each message goes as a job of its own, which the broker holds only once however often it is sent.
   */
  private async sendAgain(overdue: readonly OverdueMessage[]): Promise<void> {
    this.offer(
      overdue
        .filter(({ resends }) => resends <= 1)
        .map(({ envelope, bytes, queue }) => ({ envelope, bytes, queues: [queue] })),
    );
    const byQueue = new Map<QueueName, Envelope[]>();
    const counts = new Map<QueueName, number>();
    for (const { queue } of overdue) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    for (const [queue, count] of counts) this.observer.resent(queue, count);
    for (const { envelope, queue, resends } of overdue) {
      if (resends > 1) byQueue.set(queue, [...(byQueue.get(queue) ?? []), envelope]);
    }
    for (const [queue, envelopes] of byQueue) {
      this.track(this.lane(queue), envelopes).clear();
      await this.broker.resend(queue, envelopes);
    }
  }
}
