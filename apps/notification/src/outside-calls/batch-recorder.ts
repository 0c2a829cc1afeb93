import { isTransientFault } from '@countersign/persistence';

const batchSize = 500;
/** How long outcomes gather for one write: nobody waits for them, and their leases last much longer. */
const gatherMs = 100;
const retryMs = 200;

/**
 * Writes down what became of outside calls: everything that ends within a moment, or while the last write runs, goes
 * into one write. While the database is away it waits; what it keeps is bounded by the calls and leases under way.
 */
export class BatchRecorder<T> {
  private waiting: T[] = [];
  private writing: Promise<void> | null = null;
  private leave: () => void = () => undefined;
  /** Nothing gathers: something urgent is waiting, or the service stops. */
  private hurry = false;
  private isClosing = false;
  private stopped = false;

  constructor(
    /** One transaction for the whole batch. */
    private readonly write: (batch: readonly T[]) => Promise<void>,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** What is urgent takes along what has gathered. */
  record(item: T, isUrgent = false): void {
    this.waiting.push(item);
    this.hurry ||= isUrgent;
    this.writing ??= this.drain();
    if (this.hurry || this.waiting.length >= batchSize) this.leave();
  }

  /** Settles when everything recorded so far is written, or after `patienceMs`. Nothing gathers from now on. */
  async flush(patienceMs: number): Promise<void> {
    this.isClosing = this.hurry = true;
    this.leave();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
    await Promise.race([this.writing, patience]);
    clearTimeout(timer);
  }

  /** Gives up what has not been written; its leases run out. */
  stop(): void {
    this.stopped = true;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0 && !this.stopped) {
      if (this.waiting.length < batchSize) await this.gather();
      const batch = this.waiting.splice(0, batchSize);
      this.hurry = this.isClosing;
      try {
        await this.write(batch);
      } catch (error) {
        this.onFault(error);
        if (isTransientFault(error)) {
          this.waiting.unshift(...batch);
          await new Promise((resolve) => setTimeout(resolve, retryMs));
        } else if (batch.length > 1) {
          await this.writeOneByOne(batch);
        }
      }
    }
    this.writing = null;
  }

  private gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.hurry ? 0 : gatherMs);
      this.leave = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** What cannot be written even alone is left to the end of its lease. */
  private async writeOneByOne(batch: readonly T[]): Promise<void> {
    for (const item of batch) {
      try {
        await this.write([item]);
      } catch (error) {
        this.onFault(error);
        if (isTransientFault(error)) this.waiting.push(item);
      }
    }
  }
}
