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
  inFlight: number;
  limit: number;
  isReady: boolean;
}

const initialLimit = 4;

const newLane = (key: string, { inFlightPerKey }: CallPoolLimits): Lane => ({
  key,
  waiting: [],
  inFlight: 0,
  limit: Math.min(initialLimit, inFlightPerKey),
  isReady: false,
});

/** What a place may always have waiting, however much waits for others. */
const reserved = 4;
/** For a place that fails: as many wait as can be called before they are too late. */
const waitingPerFailingCall = 10;
/** Places whose reduced limit is remembered while nothing waits for them. */
const mostRemembered = 10_000;

/**
 * Runs outside calls, each place (key) at most so many at once, and all places in turn, so that one that is slow
 * or dead delays no other (architecture §3.11). What does not fit is refused, never kept: memory is bounded.
 */
export class CallPool {
  private readonly lanes = new Map<string, Lane>();
  private readonly ready: Lane[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly abort = new AbortController();
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
    lane.waiting.push(call);
    this.waiting++;
    this.bytes += call.bytes;
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
        this.forget(call);
        call.drop();
      }
    }
    const impatience = setTimeout(() => this.abort.abort(), patienceMs);
    await Promise.all(this.running);
    clearTimeout(impatience);
  }

  private roomIn({ limit, waiting }: Lane): number {
    if (this.waiting >= this.limits.waiting) return reserved - waiting.length;
    if (limit < initialLimit) return limit * waitingPerFailingCall - waiting.length;
    return Math.ceil((this.limits.waitingPerKey * limit) / this.limits.inFlightPerKey) - waiting.length;
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
    this.ready.push(lane);
  }

  private advance(): void {
    while (this.running.size < this.limits.inFlight) {
      const lane = this.ready.shift();
      if (!lane) return;
      lane.isReady = false;
      const call = lane.waiting.shift();
      if (!call) continue;
      this.waiting--;
      if (call.startBefore < Date.now()) {
        this.bytes -= call.bytes;
        call.drop();
      } else {
        this.start(lane, call);
      }
      this.makeReady(lane);
    }
  }

  private start(lane: Lane, call: PooledCall): void {
    lane.inFlight++;
    const running = call.run(this.abort.signal).then((isWell) => {
      this.running.delete(running);
      this.bytes -= call.bytes;
      lane.inFlight--;
      lane.limit = isWell
        ? Math.min(this.limits.inFlightPerKey, lane.limit + 1)
        : Math.max(1, lane.limit >> 1);
      this.makeReady(lane);
      this.release(lane);
      this.advance();
    });
    this.running.add(running);
  }

  private forget(call: PooledCall): void {
    this.waiting--;
    this.bytes -= call.bytes;
  }

  private release(lane: Lane): void {
    if (lane.inFlight > 0 || lane.waiting.length > 0) return;
    if (lane.limit >= initialLimit || this.lanes.size > mostRemembered) this.lanes.delete(lane.key);
  }
}
