import { IANAZone } from 'luxon';
import { spanOf } from '../calendar/compile-calendar';
import { pointerTo, type Problem } from '../problem';
import type { WeeklyWork } from './check-durations';
import { isObject, type Json, type UncheckedStage } from './unchecked-definition';
import { weekdays } from './workflow-definition';

/** Bare offsets such as `+02:00` are no names: they know no daylight saving. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]*$/;
const SPAN = /^\d{2}:\d{2}-\d{2}:\d{2}$/;

function textsIn(list: unknown): [string, number][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, index): [string, number][] =>
    typeof text === 'string' ? [[text, index]] : [],
  );
}

function spanProblems(list: unknown, pointer: string): Problem[] {
  const spans = textsIn(list)
    .filter(([text]) => SPAN.test(text))
    .map(([text, index]) => ({ text, at: pointerTo(pointer, index), span: spanOf(text) }));
  const problems = spans.flatMap(({ at, span: [start, end] }) =>
    start < end
      ? []
      : [{ pointer: at, message: 'Must end after it starts. A shift over midnight is two spans.' }],
  );
  const sorted = spans.filter(({ span: [start, end] }) => start < end).sort((a, b) => a.span[0] - b.span[0]);
  sorted.forEach(({ at, span }, index) => {
    const before = sorted[index - 1];
    if (before && before.span[1] > span[0])
      problems.push({ pointer: at, message: `Must not overlap with ${before.text}.` });
  });
  return problems;
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function calendarProblems(calendar: Json, pointer: string): Problem[] {
  const problems: Problem[] = [];
  const { timeZone } = calendar;
  if (typeof timeZone === 'string' && !(ZONE_NAME.test(timeZone) && IANAZone.isValidZone(timeZone))) {
    const message = 'Must be the IANA name of a time zone, such as Europe/Berlin.';
    problems.push({ pointer: `${pointer}/timeZone`, message });
  }
  if (isObject(calendar.weekly)) {
    const { weekly } = calendar;
    for (const weekday of weekdays)
      problems.push(...spanProblems(weekly[weekday], `${pointer}/weekly/${weekday}`));
    const known = Object.keys(weekly).every((name) => (weekdays as readonly string[]).includes(name));
    if (known && weekdays.every((weekday) => textsIn(weekly[weekday]).length === 0)) {
      problems.push({
        pointer: `${pointer}/weekly`,
        message: 'Must have working hours on one day at least.',
      });
    }
  }
  for (const [date, index] of textsIn(calendar.holidays)) {
    if (!isDate(date))
      problems.push({ pointer: `${pointer}/holidays/${index}`, message: 'There is no such day.' });
  }
  return problems;
}

function workOf(name: string, calendar: Json): WeeklyWork {
  const weekly = isObject(calendar.weekly) ? calendar.weekly : {};
  const days = weekdays.map((weekday) => textsIn(weekly[weekday]).map(([text]) => spanOf(text)));
  const ms = days.flat().reduce((sum, [start, end]) => sum + end - start, 0);
  return { name, days: days.filter(({ length }) => length > 0).length, ms };
}

/** What is wrong with the calendars; `workIn` has how much those that are right work in a week. */
export function checkCalendars(definition: Json): { problems: Problem[]; workIn: Map<string, WeeklyWork> } {
  const problems: Problem[] = [];
  const workIn = new Map<string, WeeklyWork>();
  const calendars = isObject(definition.calendars) ? definition.calendars : {};
  for (const [name, calendar] of Object.entries(calendars)) {
    if (!isObject(calendar)) continue;
    const found = calendarProblems(calendar, pointerTo('/calendars', name));
    problems.push(...found);
    const work = workOf(name, calendar);
    if (found.length === 0 && work.ms > 0) workIn.set(name, work);
  }
  return { problems, workIn };
}

/** Calendars that are named, but are not there. */
export function checkCalendarNames(definition: Json, stages: UncheckedStage[]): Problem[] {
  const known = isObject(definition.calendars) ? definition.calendars : {};
  return [{ value: definition, pointer: '' }, ...stages].flatMap(({ value: { calendar }, pointer }) =>
    typeof calendar === 'string' && !Object.hasOwn(known, calendar)
      ? [{ pointer: `${pointer}/calendar`, message: `There is no ${JSON.stringify(calendar)} in calendars.` }]
      : [],
  );
}
