import type { Period } from '../rollups/roll-periods';

/** Half-open, RFC 3339 in UTC with milliseconds. */
export interface Interval {
  from: string;
  to: string;
}

/** A day or month that something happened in. */
export interface KnownPeriod extends Period {
  rolled: boolean;
}

/** How an interval is put together: whole months and days that have been added up, and everything else measure by measure. */
export interface PartsOfPeriod {
  months: string[];
  days: string[];
  intervals: Interval[];
}

const dayMs = 86_400_000;
const startOf = (day: string): number => Date.parse(`${day}T00:00:00.000Z`);
const endOfMonth = (month: string): number => {
  const first = new Date(startOf(month));
  return Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1);
};

/** `known` has every day and month that touches the interval and has anything in it. No moment is in two parts. */
export const partsOfPeriod = ({ from, to }: Interval, known: readonly KnownPeriod[]): PartsOfPeriod => {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const isWhole = (first: number, last: number) => first >= start && last <= end;
  const months = known
    .filter(
      ({ level, rolled, period }) =>
        level === 'month' && rolled && isWhole(startOf(period), endOfMonth(period)),
    )
    .map(({ period }) => period);
  const inMonths = new Set(months.map((month) => month.slice(0, 7)));
  const days: string[] = [];
  const intervals: Interval[] = [];
  const others = known
    .filter(({ level, period }) => level === 'day' && !inMonths.has(period.slice(0, 7)))
    .sort((a, b) => (a.period < b.period ? -1 : 1));
  for (const { period, rolled } of others) {
    const [first, last] = [startOf(period), startOf(period) + dayMs];
    if (rolled && isWhole(first, last)) {
      days.push(period);
      continue;
    }
    const part = {
      from: new Date(Math.max(first, start)).toISOString(),
      to: new Date(Math.min(last, end)).toISOString(),
    };
    const before = intervals.at(-1);
    if (part.from >= part.to) continue;
    if (before?.to === part.from) before.to = part.to;
    else intervals.push(part);
  }
  return { months, days, intervals };
};
