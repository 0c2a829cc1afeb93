import { durationParts } from '../definition/duration';
import { weekdays, type CalendarDefinition } from '../definition/workflow-definition';
import { LocalClock } from './local-clock';
import { MAX_SPAN_MS, type WorkingCalendar } from './working-calendar';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/** How much is worked is kept for all weeks of the longest span, when that is for the last few only. */
const MAX_KEPT_TOTALS = 1_200;
const MAX_KEPT_WEEKS = 8;

/** From when to when, in milliseconds; the end is not part of it. */
type Interval = [start: number, end: number];

/** `09:00-17:30` in milliseconds since midnight. */
export function spanOf(text: string): Interval {
  const [start = 0, end = 0] = text.split('-').map((time) => {
    const [hours = 0, minutes = 0] = time.split(':').map(Number);
    return (hours * 60 + minutes) * MINUTE_MS;
  });
  return [start, end];
}

/** 1970-01-01 was a Thursday; weeks start on Monday. */
function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/**
 * Working time is whenever the local clock shows a time of a span, on a day that is no holiday: a span shrinks or grows
 * by what the clock is put forward or back. Days are counted since 1970 on that clock.
 */
class WeeklyCalendar implements WorkingCalendar {
  private readonly clock: LocalClock;
  private readonly spans: Interval[][];
  private readonly holidays: ReadonlySet<number>;
  private readonly weeks = new Map<number, Interval[]>();
  private readonly totals = new Map<number, number>();

  constructor({ timeZone, weekly, holidays = [] }: CalendarDefinition) {
    this.clock = new LocalClock(timeZone);
    this.spans = weekdays.map((weekday) => (weekly[weekday] ?? []).map(spanOf).sort(([a], [b]) => a - b));
    this.holidays = new Set(holidays.map((date) => Date.parse(`${date}T00:00:00Z`) / DAY_MS));
  }

  add(from: string, duration: string): string {
    const parts = durationParts(duration);
    if (!parts) throw new RangeError(`not a duration: ${duration}`);
    const start = Date.parse(from);
    const limit = start + MAX_SPAN_MS;
    let at = this.nextWorkingTime(start, limit);
    if (parts.days > 0) at = this.addDays(at, parts.days, limit);
    at = parts.ms > 0 ? this.addTime(at, parts.ms, limit) : this.nextWorkingTime(at, limit);
    return new Date(Math.min(at, limit)).toISOString();
  }

  /** The same time of day, so many working days later; it need not be working time on that day. */
  private addDays(from: number, days: number, limit: number): number {
    const local = this.clock.toLocal(from);
    const last = Math.floor(this.clock.toLocal(limit) / DAY_MS);
    let day = Math.floor(local / DAY_MS);
    const timeOfDay = local - day * DAY_MS;
    for (let left = days; left > 0 && day <= last;) {
      day += 1;
      if (this.spansOn(day).length > 0) left -= 1;
    }
    return day > last ? limit : this.clock.toUtc(day * DAY_MS + timeOfDay);
  }

  private addTime(from: number, ms: number, limit: number): number {
    let left = ms;
    let at = from;
    for (let week = Math.floor(from / WEEK_MS); week * WEEK_MS < limit; week += 1) {
      const isWhole = at <= week * WEEK_MS;
      const total = isWhole ? this.totalOf(week) : Infinity;
      if (total < left) {
        left -= total;
        continue;
      }
      for (const [start, end] of this.workingTime(week)) {
        const begin = Math.max(start, at);
        if (begin >= end) continue;
        if (left <= end - begin) return begin + left;
        left -= end - begin;
        at = end;
      }
    }
    return limit;
  }

  private nextWorkingTime(from: number, limit: number): number {
    for (let week = Math.floor(from / WEEK_MS); week * WEEK_MS < limit; week += 1) {
      const next = this.totalOf(week) > 0 && this.workingTime(week).find(([, end]) => end > from);
      if (next) return Math.max(from, next[0]);
    }
    return limit;
  }

  private spansOn(day: number): Interval[] {
    return this.holidays.has(day) ? [] : (this.spans[weekdayOf(day)] ?? []);
  }

  /** How long is worked in a week of UTC, counted since 1970. */
  private totalOf(week: number): number {
    const known = this.totals.get(week);
    if (known !== undefined) return known;
    const total = this.workingTime(week).reduce((sum, [begin, finish]) => sum + finish - begin, 0);
    if (this.totals.size >= MAX_KEPT_TOTALS) this.totals.clear();
    this.totals.set(week, total);
    return total;
  }

  /** When is worked in such a week. */
  private workingTime(week: number): Interval[] {
    const known = this.weeks.get(week);
    if (known) return known;
    const intervals: Interval[] = [];
    for (const { start, end, offset } of this.clock.stretches(week * WEEK_MS, (week + 1) * WEEK_MS)) {
      const lastDay = Math.floor((end + offset - 1) / DAY_MS);
      for (let day = Math.floor((start + offset) / DAY_MS); day <= lastDay; day += 1) {
        for (const [open, close] of this.spansOn(day)) {
          const begin = Math.max(start, day * DAY_MS + open - offset);
          const finish = Math.min(end, day * DAY_MS + close - offset);
          if (begin < finish) intervals.push([begin, finish]);
        }
      }
    }
    if (this.weeks.size >= MAX_KEPT_WEEKS) this.weeks.clear();
    this.weeks.set(week, intervals);
    return intervals;
  }
}

/** The calendar of a definition that `parseDefinition` accepted. */
export function compileCalendar(calendar: CalendarDefinition): WorkingCalendar {
  return new WeeklyCalendar(calendar);
}
