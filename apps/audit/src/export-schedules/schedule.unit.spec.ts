import { secondsOf } from './schedule';

describe('the interval of a schedule', () => {
  it.each([
    ['PT1M', 60],
    ['PT90S', 90],
    ['PT1H30M', 5_400],
    ['P1D', 86_400],
    ['P7DT12H', 648_000],
    ['P366D', 31_622_400],
  ])('%s are %d seconds', (every, seconds) => expect(secondsOf(every)).toBe(seconds));

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    'PT59S',
    'P367D',
    'P1M',
    'P1Y',
    'P1W',
    'PT1.5H',
    '-P1D',
    '1 day',
    'PT1H ',
    '0 2 * * *',
  ])('refuses %j', (every) => expect(secondsOf(every)).toBeNull());
});
