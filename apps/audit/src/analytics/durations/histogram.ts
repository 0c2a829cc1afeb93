import { durationOf } from './duration-bucket';

/** How many durations fell into each bucket. */
export type Histogram = Map<number, number>;

const pairBytes = 6;

/** Adds what pairs of bucket (2 bytes) and count (4 bytes), big-endian, tell; a bucket may come more than once. */
export const addPairs = (histogram: Histogram, pairs: Buffer): void => {
  for (let at = 0; at + pairBytes <= pairs.length; at += pairBytes) {
    const bucket = pairs.readUInt16BE(at);
    histogram.set(bucket, (histogram.get(bucket) ?? 0) + pairs.readUInt32BE(at + 2));
  }
};

/** The same as pairs, each bucket once, in ascending order. */
export const pairsOf = (histogram: Histogram): Buffer => {
  const pairs = Buffer.alloc(histogram.size * pairBytes);
  [...histogram]
    .sort(([a], [b]) => a - b)
    .forEach(([bucket, count], place) => {
      pairs.writeUInt16BE(bucket, place * pairBytes);
      pairs.writeUInt32BE(count, place * pairBytes + 2);
    });
  return pairs;
};

/** The p-th percentiles by nearest rank, in milliseconds; null of nothing. `percents` are whole and ascend. */
export const percentilesOf = (histogram: Histogram, percents: readonly number[]): (number | null)[] => {
  const buckets = [...histogram].sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  let next = 0;
  return percents.map((percent) => {
    const rank = Math.ceil((total * percent) / 100);
    while (next < buckets.length && seen < rank) seen += buckets[next++]![1];
    const [bucket] = buckets[next - 1] ?? [];
    return bucket === undefined ? null : durationOf(bucket);
  });
};
