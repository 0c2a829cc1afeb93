/** Longest time between two looks; an idle service costs its database one small query in this time. */
const shortIdleMs = 1_000;

/**
 * Looks for what is due: at the time the last look said, at a time that somebody announces, and at least once
 * a second (or as often as it is told), for what another process left behind.
 */
export class DueSweeper {
  private timer: NodeJS.Timeout | undefined;
  private wakeAt = Infinity;
  private sweeping: Promise<void> = Promise.resolve();
  private isSweeping = false;
  private stopped = true;

  constructor(
    /** One look; answers after how many milliseconds something more is due, null when nothing is known of. */
    private readonly sweep: () => Promise<number | null>,
    private readonly onFault: (error: unknown) => void,
    private readonly idleMs = shortIdleMs,
  ) {}

  start(): void {
    this.stopped = false;
    this.wakeIn(0);
  }

  /** Something is due in this many milliseconds. */
  wakeIn(ms: number): void {
    const at = Date.now() + ms;
    if (this.stopped || at >= this.wakeAt) return;
    this.wakeAt = at;
    if (this.isSweeping) return;
    this.schedule();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void (this.sweeping = this.look()), Math.max(0, this.wakeAt - Date.now()));
  }

  private async look(): Promise<void> {
    this.isSweeping = true;
    this.wakeAt = Infinity;
    let next: number | null = null;
    try {
      next = await this.sweep();
    } catch (error) {
      this.onFault(error);
    }
    this.isSweeping = false;
    if (this.stopped) return;
    this.wakeAt = Math.min(this.wakeAt, Date.now() + Math.min(this.idleMs, next ?? this.idleMs));
    this.schedule();
  }
}
