/** The first answer that is neither false, null nor undefined; rejects when there is none in time (milliseconds). */
export const until = async <T>(
  look: () => Promise<T> | T,
  patienceMs = 10_000,
): Promise<NonNullable<Exclude<T, false>>> => {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined)
      return found as NonNullable<Exclude<T, false>>;
    if (Date.now() > giveUpAt) throw new Error(`did not happen within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
