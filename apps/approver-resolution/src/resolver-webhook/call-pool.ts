/** Calls in flight: altogether, for one workspace and to one host of it, so that a slow one leaves room for the others. */
export interface CallLimits {
  total: number;
  perWorkspace: number;
  perHost: number;
}

/** Whose call, and where to. */
export interface CallPlace {
  workspaceId: string;
  host: string;
}

interface Waiting {
  start: () => void;
  impatience: NodeJS.Timeout;
}

/** Calls of one workspace to one host. */
interface Lane {
  workspaceId: string;
  running: number;
  waiting: Waiting[];
}

/** Runs calls within limits; what has no room waits for a while, host by host in turn. */
export class CallPool {
  private running = 0;
  private readonly runningOf = new Map<string, number>();
  private readonly lanes = new Map<string, Lane>();

  constructor(private readonly limits: CallLimits) {}

  /** What comes of the work; null when there was no room for it within so many milliseconds. */
  async run<T>(place: CallPlace, patienceMs: number, work: () => Promise<T>): Promise<T | null> {
    const key = `${place.workspaceId} ${place.host}`;
    if (!(await this.room(key, place, patienceMs))) return null;
    try {
      return await work();
    } finally {
      this.leave(key, place);
    }
  }

  private room(key: string, { workspaceId }: CallPlace, patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const lane = this.lanes.get(key) ?? { workspaceId, running: 0, waiting: [] };
      this.lanes.set(key, lane);
      const turn: Waiting = {
        start: () => resolve(true),
        impatience: setTimeout(() => {
          lane.waiting.splice(lane.waiting.indexOf(turn), 1);
          this.forget(key, lane);
          resolve(false);
        }, patienceMs),
      };
      lane.waiting.push(turn);
      this.advance();
    });
  }

  private leave(key: string, { workspaceId }: CallPlace): void {
    this.running--;
    const left = (this.runningOf.get(workspaceId) ?? 1) - 1;
    if (left === 0) this.runningOf.delete(workspaceId);
    else this.runningOf.set(workspaceId, left);
    const lane = this.lanes.get(key);
    if (lane) {
      lane.running--;
      this.forget(key, lane);
    }
    this.advance();
  }

  private advance(): void {
    for (const [key, lane] of this.lanes) {
      if (this.running >= this.limits.total) return;
      const own = this.runningOf.get(lane.workspaceId) ?? 0;
      if (lane.running >= this.limits.perHost || own >= this.limits.perWorkspace) continue;
      const turn = lane.waiting.shift();
      if (!turn) continue;
      clearTimeout(turn.impatience);
      // To the end of the line, behind those that have had no turn yet.
      this.lanes.delete(key);
      this.lanes.set(key, lane);
      lane.running++;
      this.running++;
      this.runningOf.set(lane.workspaceId, own + 1);
      turn.start();
    }
  }

  private forget(key: string, lane: Lane): void {
    if (lane.running === 0 && lane.waiting.length === 0) this.lanes.delete(key);
  }
}
