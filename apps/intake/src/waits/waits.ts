/** More calls than this do not wait: an answer at once costs less than looking for all of them. */
const mostWaiting = 1_000;

/** How often a process looks for what another replica has received, while anybody waits for it. */
const lookMs = 50;

export interface Wait<K, T> {
  readonly about: K;
  end(outcome: T): void;
}

interface OpenWait<K, T> extends Wait<K, T> {
  readonly since: number;
  giveUp(): void;
}

/**
 * HTTP calls that wait for something. What this process does itself ends their waits at once; for what another replica
 * did, one query now and then looks on behalf of all of them.
 */
export class Waits<K, T> {
  private readonly open = new Set<OpenWait<K, T>>();
  private closed = false;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(
    /** Ends the waits whose time has come. */
    private readonly look: (waits: readonly Wait<K, T>[]) => Promise<void>,
    private readonly onFault: (error: unknown) => void,
  ) {}

  get size(): number {
    return this.open.size;
  }

  /** The outcome; null when it has not come within `patienceMs`, or too much waits already. */
  wait(about: K, patienceMs: number): Promise<T | null> {
    if (this.closed || this.open.size >= mostWaiting) return Promise.resolve(null);
    return new Promise((resolve) => {
      const settle = (outcome: T | null) => {
        clearTimeout(timeout);
        this.open.delete(wait);
        resolve(outcome);
      };
      const wait = { about, since: Date.now(), end: settle, giveUp: () => settle(null) };
      const timeout = setTimeout(wait.giveUp, patienceMs);
      this.open.add(wait);
      this.timer ??= setInterval(() => this.lookForOverdue(), lookMs);
    });
  }

  [Symbol.iterator](): Iterator<Wait<K, T>> {
    return [...this.open][Symbol.iterator]();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    for (const { giveUp } of [...this.open]) giveUp();
  }

  private lookForOverdue(): void {
    if (this.open.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const overdue = [...this.open].filter(({ since }) => since + lookMs <= Date.now());
    if (this.looking || overdue.length === 0) return;
    this.looking = true;
    this.look(overdue)
      .catch(this.onFault)
      .finally(() => (this.looking = false));
  }
}
