import { describeStrike, expectedMs, processes, restMs, scheduleOf, type Round } from './schedule';

const minute = 60_000;
const strikesOf = (rounds: readonly Round[]) => rounds.flatMap(({ strikes }) => strikes);
const lengthOf = (rounds: readonly Round[]) =>
  rounds.reduce((sum, { breathMs, strikes }) => sum + breathMs + Math.max(...strikes.map(expectedMs)), 0);
const seeds = Array.from({ length: 50 }, (_, index) => index * 7_919);

describe('the schedule of a chaos run', () => {
  it('is the same for the same seed, and another for another', () => {
    for (const seed of seeds) {
      expect(scheduleOf(seed, 5 * minute)).toEqual(scheduleOf(seed, 5 * minute));
      expect(scheduleOf(seed, 5 * minute)).not.toEqual(scheduleOf(seed + 1, 5 * minute));
    }
  });

  it('begins the same however long it goes on', () => {
    const short = scheduleOf(17, 3 * minute);
    expect(scheduleOf(17, 20 * minute).slice(0, short.length)).toEqual(short);
  });

  it('has every kind of strike within three minutes', () => {
    const everyKind = new Set(['kill', 'suspend', 'flush', 'restart', 'cut', 'slow', 'drop-commits']);
    for (const seed of seeds)
      expect(new Set(strikesOf(scheduleOf(seed, 3 * minute)).map(({ kind }) => kind))).toEqual(everyKind);
  });

  it('hits every process, PostgreSQL and Redis within 20 minutes', () => {
    for (const seed of seeds) {
      const victims = new Set(strikesOf(scheduleOf(seed, 20 * minute)).map(({ victim }) => victim));
      expect([...victims].sort()).toEqual([...processes, 'PostgreSQL', 'Redis'].sort());
    }
  });

  it('leaves the end of the run alone, but not more of it than one round takes', () => {
    for (const seed of seeds) {
      const struckMs = lengthOf(scheduleOf(seed, 5 * minute));
      expect(struckMs).toBeLessThanOrEqual(5 * minute - restMs);
      expect(struckMs).toBeGreaterThan(5 * minute - restMs - 25_000);
    }
  });

  it('lets the system breathe between rounds, and never strikes one victim twice at once', () => {
    const rounds = seeds.flatMap((seed) => scheduleOf(seed, 5 * minute));
    for (const { breathMs, strikes } of rounds) {
      expect(breathMs).toBeGreaterThanOrEqual(2_000);
      expect(new Set(strikes.map(({ victim }) => victim)).size).toBe(strikes.length);
    }
    expect(rounds.some(({ strikes }) => strikes.length === 2)).toBe(true);
  });

  it('stops processes for longer than a lock lasts', () => {
    const stops = strikesOf(scheduleOf(3, 20 * minute)).flatMap((strike) =>
      strike.kind === 'suspend' ? [strike.forMs] : [],
    );
    expect(Math.min(...stops)).toBeGreaterThan(10_000);
  });

  it('can be read', () => {
    expect(describeStrike({ kind: 'restart', victim: 'PostgreSQL', how: 'kill', awayMs: 1_250 })).toBe(
      'PostgreSQL killed, away for 1.3 s',
    );
    for (const strike of strikesOf(scheduleOf(3, 20 * minute)))
      expect(describeStrike(strike)).not.toMatch(/undefined|NaN/);
  });
});
