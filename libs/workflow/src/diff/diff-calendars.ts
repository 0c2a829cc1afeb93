import { weekdays, type CalendarDefinition } from '../definition/workflow-definition';
import { pointerTo } from '../problem';
import { list } from '../wording/phrase';
import { sameJson } from '../canonical-json';
import { diffList } from './diff-list';
import { difference, type Difference } from './difference';

const DAYS = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
};

function hours(spans: string[] | undefined): string {
  return spans === undefined || spans.length === 0 ? 'no working time' : list(spans);
}

function diffCalendar(
  from: CalendarDefinition,
  to: CalendarDefinition,
  name: string,
  pointer: string,
): Difference[] {
  const differences: Difference[] = [];
  const say = (key: string, phrase: string) =>
    differences.push(difference(`${pointer}/${key}`, null, `in the calendar ${name}, ${phrase}`));
  if (from.timeZone !== to.timeZone)
    say('timeZone', `the time zone is now ${to.timeZone} instead of ${from.timeZone}`);
  for (const day of weekdays) {
    const [before, now] = [from.weekly[day] ?? [], to.weekly[day] ?? []];
    if (!sameJson(before, now))
      say(`weekly/${day}`, `${DAYS[day]} now has ${hours(now)} instead of ${hours(before)}`);
  }
  const { added, removed, reordered } = diffList(from.holidays ?? [], to.holidays ?? []);
  if (added.length > 0) say('holidays', `${list(added)} ${added.length > 1 ? 'are' : 'is'} now free`);
  if (removed.length > 0)
    say('holidays', `${list(removed)} ${removed.length > 1 ? 'are' : 'is'} no longer free`);
  if (reordered) say('holidays', 'the holidays are listed in another order');
  return differences;
}

/** How the calendars changed, by name. */
export function diffCalendars(
  from: Record<string, CalendarDefinition> = {},
  to: Record<string, CalendarDefinition> = {},
): Difference[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((name) => {
    const pointer = pointerTo('/calendars', name);
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    const now = Object.hasOwn(to, name) ? to[name] : undefined;
    if (!now) return [difference(pointer, null, `the calendar ${name} was removed`)];
    if (before) return diffCalendar(before, now, name, pointer);
    return [difference(pointer, null, `a new calendar ${name} was added, in the time zone ${now.timeZone}`)];
  });
}
