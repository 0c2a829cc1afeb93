import fc from 'fast-check';
import { partsOfPeriod, type KnownPeriod } from './parts-of-period';

const dayMs = 86_400_000;
const first = Date.UTC(2026, 0, 20);
const isoDay = (ms: number) => new Date(ms).toISOString().slice(0, 10);

describe('the parts of a period', () => {
  it('have every moment of it that may matter once, and none outside', () => {
    const moments = fc.integer({ min: 0, max: 100 * 24 }).map((hours) => first + hours * 3_600_000);
    fc.assert(
      fc.property(
        moments,
        moments,
        fc.array(fc.constantFrom('missing', 'rolled', 'open'), { minLength: 110, maxLength: 110 }),
        fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
        (a, b, days, months) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b) + 3_600_000];
          const known: KnownPeriod[] = days.flatMap((state, index) =>
            state === 'missing'
              ? []
              : [{ level: 'day', period: isoDay(first + index * dayMs), rolled: state === 'rolled' }],
          );
          const dayIsOpen = (month: string) =>
            known.some(({ period, rolled }) => period.startsWith(month) && !rolled);
          months.forEach((isRolled, index) => {
            const month = isoDay(Date.UTC(2026, index, 1)).slice(0, 7);
            known.push({ level: 'month', period: `${month}-01`, rolled: isRolled && !dayIsOpen(month) });
          });
          const parts = partsOfPeriod(
            { from: new Date(start).toISOString(), to: new Date(end).toISOString() },
            known,
          );
          const times = (moment: number) =>
            parts.months.filter((month) => isoDay(moment).startsWith(month.slice(0, 7))).length +
            parts.days.filter((day) => day === isoDay(moment)).length +
            parts.intervals.filter(({ from, to }) => moment >= Date.parse(from) && moment < Date.parse(to))
              .length;
          const wrong: string[] = [];
          for (let moment = first; moment < first + 108 * dayMs; moment += 3_600_000) {
            const isKnown = known.some(({ level, period }) => level === 'day' && period === isoDay(moment));
            const expected = moment >= start && moment < end ? 1 : 0;
            // A month that was added up has its empty days in it as well.
            if (isKnown ? times(moment) !== expected : times(moment) > 1)
              wrong.push(new Date(moment).toISOString());
          }
          expect(wrong).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('are whole months and days where they have been added up, and the rest as few intervals', () => {
    const day = (period: string, rolled = true): KnownPeriod => ({ level: 'day', period, rolled });
    const month = (period: string): KnownPeriod => ({ level: 'month', period, rolled: true });
    expect(
      partsOfPeriod({ from: '2026-01-30T12:00:00.000Z', to: '2026-03-03T06:00:00.000Z' }, [
        day('2026-01-30'),
        day('2026-01-31', false),
        month('2026-01-01'),
        month('2026-02-01'),
        day('2026-02-14'),
        day('2026-03-01'),
        day('2026-03-03'),
      ]),
    ).toEqual({
      months: ['2026-02-01'],
      days: ['2026-03-01'],
      intervals: [
        { from: '2026-01-30T12:00:00.000Z', to: '2026-02-01T00:00:00.000Z' },
        { from: '2026-03-03T00:00:00.000Z', to: '2026-03-03T06:00:00.000Z' },
      ],
    });
  });
});
