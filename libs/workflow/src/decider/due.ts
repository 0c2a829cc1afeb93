import type { RequestAggregate, Stage, Task } from '../aggregate';

/** Something that the clock does: at equal times in this order. */
export type Due =
  | { kind: 'remind'; at: string; stage: Stage; task: Task }
  | { kind: 'overdue'; at: string; stage: Stage; task: Task }
  | { kind: 'escalate'; at: string; stage: Stage; escalation: number }
  | { kind: 'expire'; at: string; stage: Stage };

/** Everything that will be due in a request as it now is; nobody is reminded of what has expired at `now`. */
function allDue(state: RequestAggregate, now: string | null): Due[] {
  if (state.state !== 'pending_review') return [];
  const due: Due[] = [];
  for (const stage of state.stages) {
    if (stage.state !== 'active') continue;
    const hasExpired = now !== null && stage.expireAt !== null && stage.expireAt <= now;
    for (const task of stage.tasks) {
      if (task.state !== 'open') continue;
      if (task.remindAt !== null && !hasExpired) due.push({ kind: 'remind', at: task.remindAt, stage, task });
      if (task.dueAt !== null && !task.overdue) due.push({ kind: 'overdue', at: task.dueAt, stage, task });
    }
    stage.escalateAt.forEach((at, escalation) => {
      if (at !== null) due.push({ kind: 'escalate', at, stage, escalation });
    });
    if (stage.expireAt !== null) due.push({ kind: 'expire', at: stage.expireAt, stage });
  }
  return due;
}

/** What is due first, to be done at `now` if that is given; null when nothing ever is. */
export function firstDue(state: RequestAggregate, now: string | null = null): Due | null {
  return allDue(state, now).reduce<Due | null>(
    (first, one) => (first && first.at <= one.at ? first : one),
    null,
  );
}

/** When the clock has something to do with the request next, RFC 3339 in UTC; null when never. */
export function nextDue(state: RequestAggregate): string | null {
  return firstDue(state)?.at ?? null;
}
