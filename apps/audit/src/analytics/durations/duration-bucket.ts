/**
 * Durations are counted by their seven highest binary digits. Below 128 ms that is exact; above it a bucket is at most 1/64 of its lower bound wide,
 * and stands for its middle: off by less than 0.79 %.
 */
const exactBelow = 128;
const perOctave = 64;

/** The bucket of a duration in whole milliseconds, from 0 on. */
export const bucketOf = (ms: number): number => {
  if (ms < exactBelow) return ms;
  const shift = Math.floor(Math.log2(ms)) - 6;
  // The logarithm of a number just below a power of two may come out as that power.
  const exact = ms < 2 ** (shift + 6) ? shift - 1 : shift;
  return exact * perOctave + Math.floor(ms / 2 ** exact);
};

/** What a bucket stands for: the middle of its bounds, in milliseconds. */
export const durationOf = (bucket: number): number => {
  if (bucket < exactBelow) return bucket;
  const shift = Math.floor(bucket / perOctave) - 1;
  return (bucket - shift * perOctave + 0.5) * 2 ** shift;
};
