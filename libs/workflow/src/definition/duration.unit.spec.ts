import { durationToMs } from './duration';

describe('a duration', () => {
  it.each([
    ['PT10S', 10_000],
    ['PT0.5S', 500],
    ['PT24H', 86_400_000],
    ['P2D', 172_800_000],
    ['P1DT1H1M1S', 90_061_000],
    ['P2W', 1_209_600_000],
    ['PT0S', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(durationToMs(text)).toBe(ms);
  });

  it.each([['P'], ['PT'], ['P1DT'], ['10S'], ['P1Y'], ['P1M'], ['-PT1S'], ['PT1S '], ['pt1s'], ['P1W1D']])(
    'refuses %s',
    (text) => {
      expect(durationToMs(text)).toBeNull();
    },
  );
});
