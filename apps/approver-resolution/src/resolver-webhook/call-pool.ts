/** Calls in flight: altogether and to one host, so that a slow one leaves room for the others. */
export interface CallLimits {
  total: number;
  perHost: number;
}

/** Runs work on behalf of hosts within limits; what has no room waits, host by host in turn. */
export class CallPool {
  private running = 0;
  private readonly runningOf = new Map<string, number>();
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(private readonly limits: CallLimits) {}

  async run<T>(host: string, work: () => Promise<T>): Promise<T> {
    await this.room(host);
    try {
      return await work();
    } finally {
      this.leave(host);
    }
  }

  private room(host: string): Promise<void> {
    return new Promise((start) => {
      const queue = this.waiting.get(host);
      if (queue) queue.push(start);
      else this.waiting.set(host, [start]);
      this.advance();
    });
  }

  private leave(host: string): void {
    this.running--;
    const left = (this.runningOf.get(host) ?? 1) - 1;
    if (left === 0) this.runningOf.delete(host);
    else this.runningOf.set(host, left);
    this.advance();
  }

  private advance(): void {
    for (const [host, queue] of this.waiting) {
      if (this.running >= this.limits.total) return;
      const own = this.runningOf.get(host) ?? 0;
      if (own >= this.limits.perHost) continue;
      const start = queue.shift();
      // To the end of the line of hosts, behind those that have had no turn yet.
      this.waiting.delete(host);
      if (queue.length > 0) this.waiting.set(host, queue);
      this.running++;
      this.runningOf.set(host, own + 1);
      start?.();
    }
  }
}
