import type { Problem } from '../problem';
import { durationParts } from './duration';
import { isObject, objectsIn, type Json, type Placed } from './unchecked-definition';

const DAY_MS = 86_400_000;
const MAX_DAYS = 10 * 366;

/** How much a calendar works in a week. */
export interface WeeklyWork {
  name: string;
  days: number;
  ms: number;
}

/** The sentence for what is not a duration of more than nothing and at most ten years of working time. */
function durationProblem(text: string, work: WeeklyWork | null): string | null {
  const parts = durationParts(text);
  if (!parts)
    return 'Must be an ISO 8601 duration in weeks, or in days, hours, minutes and seconds, such as P2D or PT24H.';
  if (parts.days === 0 && parts.ms === 0) return 'Must be more than nothing.';
  if (parts.days + parts.ms / DAY_MS > MAX_DAYS) return 'Must be 10 years or less.';
  if (work && (parts.days / work.days + parts.ms / work.ms) * 7 > MAX_DAYS)
    return `Takes more than 10 years in the working time of the calendar ${work.name}.`;
  return null;
}

function durationsOf({ value: stage, pointer }: Placed): [unknown, string][] {
  const member = (name: string): Json => (isObject(stage[name]) ? stage[name] : {});
  return [
    [stage.sla, `${pointer}/sla`],
    [member('remind').after, `${pointer}/remind/after`],
    [member('remind').every, `${pointer}/remind/every`],
    ...objectsIn(stage.escalate, `${pointer}/escalate`).map((each): [unknown, string] => [
      each.value.after,
      `${each.pointer}/after`,
    ]),
    [member('expire').after, `${pointer}/expire/after`],
  ];
}

/** What is wrong with the durations of a stage; `work` is that of its calendar. */
export function checkDurations(stage: Placed, work: WeeklyWork | null): Problem[] {
  const problems = durationsOf(stage).flatMap(([text, pointer]): Problem[] => {
    const message = typeof text === 'string' ? durationProblem(text, work) : null;
    return message === null ? [] : [{ pointer, message }];
  });
  const { remind } = stage.value;
  if (isObject(remind) && typeof remind.max === 'number' && remind.max > 1 && remind.every === undefined) {
    const message = 'More than one reminder needs every: how long after one the next comes.';
    problems.push({ pointer: `${stage.pointer}/remind/max`, message });
  }
  return problems;
}
