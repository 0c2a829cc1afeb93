import { durationToMs } from '../definition/duration';
import { stagesOf, type StageDefinition, type WorkflowDefinition } from '../definition/workflow-definition';
import { pointerTo } from '../problem';
import { describeDuration } from '../wording/describe-duration';
import type { Finding } from './finding';
import { stageName } from './stage-name';

/** Days and the rest of a duration: on working hours they cannot be compared with each other. */
function parts(duration: string): { days: number; rest: number } | null {
  const ms = durationToMs(duration);
  if (ms === null) return null;
  const [, weeks = '0'] = /(\d+)W/.exec(duration) ?? [];
  const [, days = '0'] = /(\d+)D/.exec(duration) ?? [];
  const whole = Number(weeks) * 7 + Number(days);
  return { days: whole, rest: ms - whole * 86_400_000 };
}

/** How much later the first is over: positive, zero or negative; null when that depends on the calendar. */
function compare(one: string, other: string, onCalendar: boolean): number | null {
  const [a, b] = [parts(one), parts(other)];
  if (!a || !b) return null;
  if (!onCalendar) return (durationToMs(one) ?? 0) - (durationToMs(other) ?? 0);
  const [days, rest] = [a.days - b.days, a.rest - b.rest];
  if (days === 0 || rest === 0) return days === 0 ? rest : days;
  return Math.sign(days) === Math.sign(rest) ? days : null;
}

function lintStage(stage: StageDefinition, pointer: string, onCalendar: boolean): Finding[] {
  const { expire } = stage;
  if (!expire) return [];
  const title = stageName(stage);
  const end = `expires after ${describeDuration(expire.after)}`;
  const lateBy = (duration: string) => compare(duration, expire.after, onCalendar);
  const findings: Finding[] = [];
  if (stage.remind && (lateBy(stage.remind.after) ?? -1) >= 0) {
    const message = `${title} ${end}, before anybody is reminded after ${describeDuration(stage.remind.after)}.`;
    findings.push({ pointer: `${pointer}/remind/after`, code: 'remind-after-expiry', message });
  }
  (stage.escalate ?? []).forEach(({ after }, index) => {
    if ((lateBy(after) ?? -1) < 0) return;
    const message = `${title} ${end}, before it is escalated after ${describeDuration(after)}.`;
    findings.push({ pointer: `${pointer}/escalate/${index}/after`, code: 'escalate-after-expiry', message });
  });
  if (typeof stage.sla === 'string' && (lateBy(stage.sla) ?? -1) > 0) {
    const message = `${title} ${end}, before it is overdue after ${describeDuration(stage.sla)}.`;
    findings.push({ pointer: `${pointer}/sla`, code: 'sla-after-expiry', message });
  }
  return findings;
}

/** Timers that never fire, requests that can wait for ever, and calendars that nobody uses. */
export function lintTimers(definition: WorkflowDefinition): Finding[] {
  const placed = stagesOf(definition);
  const findings = placed.flatMap(({ stage, pointer }) =>
    lintStage(stage, pointer, (stage.calendar ?? definition.calendar) !== undefined),
  );
  if (placed.every(({ stage }) => stage.expire === undefined)) {
    const message = 'No stage expires: a request that nobody answers stays open for ever.';
    findings.push({ pointer: '/stages', code: 'no-timeout', message });
  }
  const used = new Set([definition.calendar, ...placed.map(({ stage }) => stage.calendar)]);
  for (const name of Object.keys(definition.calendars ?? {})) {
    if (used.has(name)) continue;
    const message = `The calendar ${name} is not used.`;

    findings.push({ pointer: pointerTo('/calendars', name), code: 'calendar-unused', message });
  }
  return findings;
}
