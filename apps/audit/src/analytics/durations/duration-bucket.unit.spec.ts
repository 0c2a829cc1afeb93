import fc from 'fast-check';
import { bucketOf, durationOf } from './duration-bucket';

const duration = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 100_000 }),
  fc
    .record({ power: fc.integer({ min: 0, max: 52 }), off: fc.integer({ min: -1, max: 1 }) })
    .map(({ power, off }) => Math.max(0, 2 ** power + off)),
);

describe('the bucket of a duration', () => {
  it('stands for a duration that is off by less than 0.79 %, and by nothing below 128 ms', () => {
    fc.assert(
      fc.property(duration, (ms) => {
        const told = durationOf(bucketOf(ms));
        expect(Math.abs(told - ms)).toBeLessThanOrEqual(ms < 128 ? 0 : ms * 0.0079);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is higher for longer durations, fits two bytes, and is a whole number', () => {
    fc.assert(
      fc.property(duration, duration, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(bucketOf(low)).toBeLessThanOrEqual(bucketOf(high));
        expect(Number.isInteger(bucketOf(a)) && bucketOf(a) < 2 ** 15).toBe(true);
      }),
    );
  });

  it('leaves no number out between two octaves', () => {
    const buckets = [...new Set(Array.from({ length: 5_000 }, (_, ms) => bucketOf(ms)))];
    expect(buckets).toEqual(buckets.map((_, index) => index));
  });
});
