/** Least time between two looks, in milliseconds. */
const leastPauseMs = 1_000;
/** After a look nobody looks again for this many times as long as it took: no more than a tenth of the time goes into looking. */
const pauseFactor = 10;
/** Nobody waits longer for an answer, in milliseconds: a scrape must end within a second. */
const patienceMs = 800;

/**
 * Something that costs to look at, looked at seldom and never twice at a time, however many ask. The answer is null when
 * the look failed or takes too long; a look that takes long goes on, and its result is there for who asks next.
 */
export class Seldom<T> {
  private last: { result: T | null; until: number } | null = null;
  private looking: Promise<T | null> | null = null;

  constructor(private readonly look: () => Promise<T>) {}

  async ask(): Promise<T | null> {
    if (this.last && performance.now() < this.last.until) return this.last.result;
    this.looking ??= this.lookAnew();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, patienceMs, null);
    });
    return Promise.race([this.looking, patience]).finally(() => clearTimeout(timer));
  }

  private async lookAnew(): Promise<T | null> {
    const startedAt = performance.now();
    const result = await this.look().catch(() => null);
    const endedAt = performance.now();
    this.last = { result, until: endedAt + Math.max(leastPauseMs, (endedAt - startedAt) * pauseFactor) };
    this.looking = null;
    return result;
  }
}
