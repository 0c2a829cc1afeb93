import { Problem } from '@countersign/service-kit';
import { checkRetention, daysOf } from './retention';

const violations = (keep: unknown, workflows?: unknown): string[] => {
  try {
    checkRetention(keep, workflows);
    return [];
  } catch (error) {
    return ((error as Problem).extra.errors ?? []).map(({ pointer }) => pointer);
  }
};

describe('checkRetention', () => {
  it('takes durations of days and more, and null for ever', () => {
    expect(checkRetention('P7Y', { travel: 'P30D', tax: null })).toEqual({
      default: 'P7Y',
      workflows: { travel: 'P30D', tax: null },
    });
    expect(checkRetention(null, undefined)).toEqual({ default: null, workflows: {} });
    expect(['P1Y6M', 'P5W', 'P1Y2M3W4D', 'P100Y'].flatMap((text) => violations(text))).toEqual([]);
  });

  it('refuses what would lose things by accident, and what is no duration of days', () => {
    for (const bad of ['P29D', 'P4W', 'PT24H', 'P', 'P1YT1H', '7 years', 'P101Y', 7, '', undefined])
      expect([bad, violations(bad)]).toEqual([bad, ['/default']]);
    expect(violations('P1Y', { 'a/b': 'P1D', c: 'P1Y' })).toEqual(['/workflows/a~1b']);
    expect(violations('P1Y', [])).toEqual(['/workflows']);
  });
});

describe('daysOf', () => {
  it('counts the least that a duration can be', () => {
    expect([daysOf('P1Y'), daysOf('P1M'), daysOf('P2W1D'), daysOf('P1H')]).toEqual([365, 28, 15, null]);
  });
});
