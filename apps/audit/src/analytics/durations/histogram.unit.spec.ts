import fc from 'fast-check';
import { bucketOf, durationOf } from './duration-bucket';
import { addPairs, percentilesOf, type Histogram } from './histogram';

const pairsOf = (list: readonly number[]): Buffer =>
  Buffer.concat(
    list.map((ms) => {
      const pair = Buffer.alloc(6);
      pair.writeUInt16BE(bucketOf(ms));
      pair.writeUInt32BE(1, 2);
      return pair;
    }),
  );

describe('percentiles of what was added up', () => {
  it('are those by nearest rank of what the buckets stand for, in how many pieces it ever came', () => {
    const durations = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(durations, { minLength: 1, maxLength: 4 }), (pieces) => {
        const histogram: Histogram = new Map();
        for (const piece of pieces) addPairs(histogram, pairsOf(piece));
        const sorted = pieces.flat().sort((a, b) => a - b);
        const expected = [1, 50, 90, 99, 100].map((percent) =>
          durationOf(bucketOf(sorted[Math.ceil((sorted.length * percent) / 100) - 1]!)),
        );
        expect(percentilesOf(histogram, [1, 50, 90, 99, 100])).toEqual(expected);
      }),
    );
  });

  it('are null of nothing', () => {
    expect(percentilesOf(new Map(), [50, 99])).toEqual([null, null]);
  });
});
