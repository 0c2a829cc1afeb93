import { setMaxListeners } from 'node:events';

/** One outside call that waits for its turn. */
export interface PooledCall {
  /** Calls with the same key go to the same place and share its cap. */
  key: string;
  /** Memory that it holds while it waits or runs. */
  bytes: number;
  /** Milliseconds since the epoch: started later it would outlive its lease. */
  startBefore: number;
  /** Makes the call; true when the place it went to is well. Must not reject. */
  run(signal: AbortSignal): Promise<boolean>;
  /** It will not be run: too late, or the pool has been stopped. */
  drop(): void;
}

export interface CallPoolLimits {
  inFlight: number;
  /** Reached by a place that answers well; a fresh one starts with a few, a failing one goes down to one. */
  inFlightPerKey: number;
  /** Beyond it only places with next to nothing waiting may add to it. */
  waiting: number;
  /** Of a place that answers well; the fewer calls a place may have in flight, the fewer may wait for it. */
  waitingPerKey: number;
  /** Of everything that waits or runs. */
  bytes: number;
}

interface Lane {
  key: string;
  waiting: PooledCall[];
  /** Of what waits and runs. */
  bytes: number;
  inFlight: number;
  limit: number;
  isReady: boolean;
}

const initialLimit = 4;

const newLane = (key: string, { inFlightPerKey }: CallPoolLimits): Lane => ({
  key,
  waiting: [],
  bytes: 0,
  inFlight: 0,
  limit: Math.min(initialLimit, inFlightPerKey),
  isReady: false,
});

/** What a place may always have waiting, however much waits for others. */
const reserved = 4;
/** For a place that fails: as many wait as can be called before they are too late. */
const waitingPerFailingCall = 10;
/** Of all slots, what places that fail may take together: many that hang must not stand in the way of those that answer. */
const shareOfFailing = 1 / 2;
/** Of all memory, what may wait or run for one place that has something already. */
const memoryPerKey = 1 / 4;
/** Places whose reduced limit is remembered while nothing waits for them. */
const mostRemembered = 10_000;

/**
 * Runs outside calls, each place (key) at most so many at once, and all places in turn, so that one that is slow
 * or dead delays no other (architecture §3.11). What does not fit is refused, never kept: memory is bounded.
 */
export class CallPool {
  private readonly lanes = new Map<string, Lane>();
  private readonly ready: Record<'well' | 'failing', Lane[]> = { well: [], failing: [] };
  private readonly running = new Set<Promise<void>>();
  private readonly abort = new AbortController();
  private failingInFlight = 0;
  private waiting = 0;
  private bytes = 0;
  private stopped = false;

  constructor(private readonly limits: CallPoolLimits) {
    // Every running call listens to the one signal.
    setMaxListeners(0, this.abort.signal);
  }

  /** Takes the call, or answers false when it does not fit. */
  offer(call: PooledCall): boolean {
    if (this.stopped) return false;
    if (this.bytes > 0 && this.bytes + call.bytes > this.limits.bytes) return false;
    const lane = this.laneOf(call.key);
    if (this.roomIn(lane) <= 0) return false;
    if (lane.bytes > 0 && lane.bytes + call.bytes > this.limits.bytes * memoryPerKey) return false;
    lane.waiting.push(call);
    this.waiting++;
    this.bytes += call.bytes;
    lane.bytes += call.bytes;
    this.makeReady(lane);
    this.advance();
    return true;
  }

  /** How many more calls for this key would be taken, as far as their number goes and memory is left. */
  roomFor(key: string): number {
    if (this.stopped || this.bytes >= this.limits.bytes / 2) return 0;
    return this.roomIn(this.lanes.get(key) ?? newLane(key, this.limits));
  }

  /** The keys for which no further call would be taken. */
  fullKeys(): string[] {
    return [...this.lanes.values()].filter((lane) => this.roomIn(lane) <= 0).map(({ key }) => key);
  }

  /** Drops what waits, lets what runs end for that long, then aborts it. */
  async stop(patienceMs: number): Promise<void> {
    this.stopped = true;
    for (const lane of this.lanes.values()) {
      for (const call of lane.waiting.splice(0)) {
        this.waiting--;
        this.release(lane, call);
        call.drop();
      }
    }
    const impatience = setTimeout(() => this.abort.abort(), patienceMs);
    await Promise.all(this.running);
    clearTimeout(impatience);
  }

  private roomIn(lane: Lane): number {
    const { limit, waiting } = lane;
    if (lane.bytes >= this.limits.bytes * memoryPerKey) return 0;
    if (this.waiting >= this.limits.waiting) return reserved - waiting.length;
    if (this.isFailing(lane)) return limit * waitingPerFailingCall - waiting.length;
    return Math.ceil((this.limits.waitingPerKey * limit) / this.limits.inFlightPerKey) - waiting.length;
  }

  private isFailing({ limit }: Lane): boolean {
    return limit < Math.min(initialLimit, this.limits.inFlightPerKey);
  }

  private laneOf(key: string): Lane {
    let lane = this.lanes.get(key);
    if (!lane) {
      lane = newLane(key, this.limits);
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private makeReady(lane: Lane): void {
    if (lane.isReady || lane.waiting.length === 0 || lane.inFlight >= lane.limit) return;
    lane.isReady = true;
    this.ready[this.isFailing(lane) ? 'failing' : 'well'].push(lane);
  }

  private advance(): void {
    while (this.running.size < this.limits.inFlight) {
      const lane = this.nextReady();
      if (!lane) return;
      lane.isReady = false;
      const call = this.nextCall(lane);
      if (call) this.start(lane, call);
      this.makeReady(lane);
      this.forgetIdle(lane);
    }
  }

  /** Those that fail come first, lest those that are well leave them nothing, but take their share only. */
  private nextReady(): Lane | undefined {
    const mayFail = this.failingInFlight < this.limits.inFlight * shareOfFailing;
    return (mayFail ? this.ready.failing.shift() : undefined) ?? this.ready.well.shift();
  }

  /** What has waited too long is dropped on the way. */
  private nextCall(lane: Lane): PooledCall | undefined {
    for (let call = lane.waiting.shift(); call; call = lane.waiting.shift()) {
      this.waiting--;
      if (call.startBefore >= Date.now()) return call;
      this.release(lane, call);
      call.drop();
    }
    return undefined;
  }

  private start(lane: Lane, call: PooledCall): void {
    const failing = this.isFailing(lane) ? 1 : 0;
    this.failingInFlight += failing;
    lane.inFlight++;
    const running = call.run(this.abort.signal).then((isWell) => {
      this.running.delete(running);
      this.failingInFlight -= failing;
      lane.inFlight--;
      this.release(lane, call);
      lane.limit = isWell
        ? Math.min(this.limits.inFlightPerKey, lane.limit + 1)
        : Math.max(1, lane.limit >> 1);
      this.makeReady(lane);
      this.forgetIdle(lane);
      this.advance();
    });
    this.running.add(running);
  }

  private release(lane: Lane, { bytes }: PooledCall): void {
    this.bytes -= bytes;
    lane.bytes -= bytes;
  }

  private forgetIdle(lane: Lane): void {
    if (lane.inFlight > 0 || lane.waiting.length > 0) return;
    if (!this.isFailing(lane) || this.lanes.size > mostRemembered) this.lanes.delete(lane.key);
  }
}
