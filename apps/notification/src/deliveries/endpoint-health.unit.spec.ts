import fc from 'fast-check';
import {
  failingAfter,
  givenUpAfterMs,
  healthAfter,
  opensAfter,
  wellHealth,
  type EndpointHealth,
  type Finding,
} from './endpoint-health';

const start = Date.parse('2026-11-21T09:00:00Z');
const time = (seconds: number) => new Date(start + seconds * 1_000);
const failed = (seconds: number, deliveryId = 'd'): Finding => ({
  deliveryId,
  at: time(seconds),
  isWell: false,
});
const well = (seconds: number, deliveryId = 'd'): Finding => ({
  deliveryId,
  at: time(seconds),
  isWell: true,
});
const after = (health: EndpointHealth, findings: Finding[], isCrowded = false, now = time(1_000)) =>
  healthAfter(health, findings, isCrowded, now, 0.5);
const manyFailures = Array.from({ length: opensAfter }, (_, index) => failed(index));

describe('the health of an endpoint', () => {
  it('is told to be failing once, and to be well once', () => {
    const first = after(wellHealth, [failed(1), failed(2)]);
    expect([first.news, first.health.failures, first.health.failingSince]).toEqual([[], 2, time(1)]);
    const third = after(first.health, [failed(3)]);
    expect(third.news).toEqual([{ what: 'failing', failingSince: time(1) }]);
    const fourth = after(third.health, [failed(4)]);
    expect(fourth.news).toEqual([]);
    const last = after(fourth.health, [well(5)]);
    expect([last.news, last.health]).toEqual([[{ what: 'recovered', failingSince: time(1) }], wellHealth]);
    expect(after(first.health, [well(3)]).news).toEqual([]);
  });

  it('takes findings in the order in which the attempts were made', () => {
    expect(after(wellHealth, [well(9), failed(1)]).health).toEqual(wellHealth);
    expect(after(wellHealth, [failed(9), well(1)]).health.failingSince).toEqual(time(9));
  });

  it('opens its circuit in a crowd only', () => {
    expect(after(wellHealth, manyFailures).health.isOpen).toBe(false);
    expect(after(wellHealth, manyFailures.slice(1), true).health.isOpen).toBe(false);
    const { health } = after(wellHealth, manyFailures, true);
    expect(health).toMatchObject({ isOpen: true, probing: null, probeAt: time(1_005) });
  });

  it('probes ever more seldom, and lets everything go at the first success', () => {
    let { health } = after(wellHealth, manyFailures, true);
    const waits: number[] = [];
    for (let probe = 0; probe < 9; probe++) {
      const before = health;
      ({ health } = after({ ...before, probing: 'p' }, [failed(1_000, 'p')]));
      waits.push((health.probeAt!.getTime() - start) / 1_000 - 1_000);
      // One that was under way when it opened says nothing about the probe.
      expect(after({ ...before, probing: 'p' }, [failed(1_000, 'other')]).health).toMatchObject({
        probing: 'p',
        probeAt: before.probeAt,
      });
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300, 300]);
    const closed = after({ ...health, probing: 'p' }, [well(1_000, 'p')]);
    expect([closed.isReleased, closed.health]).toEqual([true, wellHealth]);
    expect(after(wellHealth, [well(1)]).isReleased).toBe(false);
  });

  it('is given up after five days without a success', () => {
    const { health } = after(wellHealth, [failed(0), failed(1), failed(2)]);
    const fiveDays = givenUpAfterMs / 1_000;
    const early = after(health, [failed(fiveDays - 1)], false, time(fiveDays - 1));
    expect(early.isGivenUp).toBe(false);
    expect(after(health, [failed(fiveDays)], false, time(fiveDays)).isGivenUp).toBe(true);
    expect(after(health, [well(fiveDays)], false, time(fiveDays)).isGivenUp).toBe(false);
  });

  it('has recovered when it takes a delivery after it was put right, and has failed since it was told to', () => {
    const { health } = after(wellHealth, [failed(0), failed(1), failed(2)]);
    const putRight = { ...wellHealth, toldSince: health.toldSince };
    const again = after(putRight, [failed(10), failed(11), failed(12), failed(13)]);
    expect(again.news).toEqual([]);
    expect(after(again.health, [well(14)])).toMatchObject({
      news: [{ what: 'recovered', failingSince: time(0) }],
      health: wellHealth,
    });
    expect(after(putRight, [well(10)]).news).toEqual([{ what: 'recovered', failingSince: time(0) }]);
  });

  it('has told of every failing row exactly once, whatever comes', () => {
    const batch = fc.record({ results: fc.array(fc.boolean(), { maxLength: 8 }), isCrowded: fc.boolean() });
    fc.assert(
      fc.property(fc.array(batch, { maxLength: 30 }), (batches) => {
        let health = wellHealth;
        let second = 0;
        const all: boolean[] = [];
        const news: string[] = [];
        for (const { results, isCrowded } of batches) {
          const findings = results.map((isWell) => ({ deliveryId: 'd', at: time(++second), isWell }));
          all.push(...results);
          const change = after(health, findings, isCrowded, time(second));
          ({ health } = change);
          news.push(...change.news.map(({ what }) => what));
          const row = all.length - 1 - all.lastIndexOf(true);
          expect(health.failures).toBe(row);
          expect(health.failingSince === null).toBe(row === 0);
          expect(health.toldSince !== null).toBe(row >= failingAfter);
          if (health.isOpen) expect(row).toBeGreaterThanOrEqual(opensAfter);
        }
        const rows = all.map((isWell) => (isWell ? '.' : 'x')).join('');
        expect(news.filter((what) => what === 'failing')).toHaveLength(
          rows.split('.').filter((row) => row.length >= failingAfter).length,
        );
        expect(news.every((what, index) => what === (index % 2 ? 'recovered' : 'failing'))).toBe(true);
      }),
    );
  });
});
