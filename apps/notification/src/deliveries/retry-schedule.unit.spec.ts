import { defaultSchedule, nextDelayMs, parseSchedule, retryAfterMs } from './retry-schedule';

const hour = 3_600_000;

describe('the retry schedule', () => {
  it('is by default that of the product page', () => {
    expect(parseSchedule(defaultSchedule)).toEqual([
      5_000,
      300_000,
      1_800_000,
      2 * hour,
      5 * hour,
      10 * hour,
      14 * hour,
      20 * hour,
      24 * hour,
    ]);
  });

  it('is read from ISO 8601 durations', () => {
    expect(parseSchedule('PT0.25S, P1DT1H1M1S,P2D')).toEqual([250, 90_061_000, 172_800_000]);
  });

  it.each(['', 'P', 'PT', '5s', 'PT5S,', 'P1Y', 'P1M', 'PT-5S', 'PT1H30'])('refuses %j', (text) => {
    expect(() => parseSchedule(text)).toThrow(TypeError);
  });

  it('varies each wait by a tenth', () => {
    expect([0, 0.5, 1].map((random) => nextDelayMs([5_000], 1, random))).toEqual([4_500, 5_000, 5_500]);
  });

  it('goes on wait by wait, and ends', () => {
    expect([1, 2, 3].map((tries) => nextDelayMs([1_000, 2_000], tries, 0.5))).toEqual([1_000, 2_000, null]);
  });

  it('never comes sooner than Retry-After asks, and never waits for more than a day', () => {
    expect(nextDelayMs([5_000], 1, 0.5, 60_000)).toBe(60_000);
    expect(nextDelayMs([5_000], 1, 0.5, 1_000)).toBe(5_000);
    expect(nextDelayMs([5_000], 1, 0.5, 100 * 24 * hour)).toBe(24 * hour);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T09:00:00Z');

  it.each([
    [undefined, 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Sat, 21 Nov 2026 09:01:00 GMT', 60_000],
    ['Sat, 21 Nov 2026 08:00:00 GMT', 0],
    ['soon', 0],
  ])('%j is %d ms', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});
