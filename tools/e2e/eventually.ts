export interface Patience {
  /** Default 20 s. */
  withinMs?: number;
  everyMs?: number;
  /** What to say of the state that it was left in. */
  describe?: () => string;
}

/** Looks again and again until there is something to see, and gives it. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinMs = 20_000, everyMs = 50, describe }: Patience = {},
): Promise<NonNullable<T>> {
  const until = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > until)
      throw new Error(`${what}: not within ${withinMs} ms${describe ? `; ${describe()}` : ''}`);
    await pause(everyMs);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
