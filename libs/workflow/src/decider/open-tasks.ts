import type { Candidate, Stage, Task } from '../aggregate';
import { ruleOf, timeAfter } from './stage-rule';
import type { Transition } from './transition';

/** As many people as a stage asks: all its tasks travel with each transition of the request. */
export const MAX_PEOPLE = 1_000;

/** Whose vote it is: a delegate gives that of the delegator. User id. */
export const voterOf = ({ person, onBehalfOf }: Pick<Candidate, 'person' | 'onBehalfOf'>): string =>
  (onBehalfOf ?? person).id;

/** The same of a task. */
export const voterOfTask = ({ assignee, onBehalfOf }: Pick<Task, 'assignee' | 'onBehalfOf'>): string =>
  (onBehalfOf ?? assignee).id;

/** Why somebody is asked, in whole sentences. */
export function reasonsOf({ why, substitution }: Pick<Candidate, 'why' | 'substitution'>): string[] {
  if (substitution === undefined) return why;
  return why.length === 0 ? [substitution] : why.map((sentence) => `${sentence}, ${substitution}`);
}

/** Opens a question to one person. */
export function openTask(transition: Transition, stage: Stage, candidate: Candidate): void {
  const { person, why, onBehalfOf = null, substitution } = candidate;
  const { now, newId } = transition.env;
  const rule = ruleOf(transition, stage);
  const running = transition.state.stages[stage.index] ?? stage;
  const task: Task = {
    id: newId(),
    stageKey: stage.key,
    state: 'open',
    assignee: person,
    onBehalfOf,
    revision: transition.state.revision,
    dueAt: running.dueAt,
    decision: null,
    decidedBy: null,
    reasonCode: null,
    comment: null,
    decidedAt: null,
    openedAt: now,
    why,
    ...(substitution === undefined ? {} : { substitution }),
    remindAt: rule.remind ? timeAfter(rule, now, rule.remind.after) : null,
    remindedAt: null,
    reminders: 0,
    overdue: false,
    passedTo: null,
  };
  transition.record('task.assigned', { task, why: reasonsOf(candidate) });
}

/** Asks whoever is next in a sequential stage, unless somebody is being asked. */
export function askNext(transition: Transition, stageIndex: number): void {
  const stage = transition.state.stages[stageIndex];
  const [next, ...queue] = stage?.queue ?? [];
  if (!stage || !next || stage.tasks.some(({ state }) => state === 'open')) return;
  transition.record('stage.queue_changed', { stageKey: stage.key, stageIndex, queue });
  openTask(transition, stage, next);
}

/**
 * People of a stage who are not asked again as long as the stage can do without them: somebody else has their task or has
 * answered it for them, or an escalation has put others in their place.
 */
export function setAside(stage: Stage): Set<string> {
  const present = peopleOf(stage);
  const heirs = new Map<string, string | null>();
  for (const task of stage.tasks) {
    if (task.state === 'reassigned') heirs.set(voterOfTask(task), task.passedTo);
  }
  const aside = new Set<string>();
  for (const person of heirs.keys()) {
    const seen = new Set<string>();
    let heir: string | null | undefined = person;
    while (typeof heir === 'string' && !present.has(heir) && !seen.has(heir)) {
      seen.add(heir);
      heir = heirs.get(heir);
    }
    // Nobody has it any more when whoever it was passed to is gone.
    if (heir === null || (heir !== undefined && present.has(heir))) aside.add(person);
  }
  for (const { state, onBehalfOf } of stage.tasks) {
    if (onBehalfOf && (state === 'open' || state === 'approved' || state === 'rejected'))
      aside.add(onBehalfOf.id);
  }
  return aside;
}

/** The people of a stage whose vote counts or is still awaited, whoever gives it. */
export function peopleOf(stage: Stage): Set<string> {
  const counts = ({ state }: Task) => state === 'open' || state === 'approved' || state === 'rejected';
  return new Set([...stage.tasks.filter(counts).map(voterOfTask), ...stage.queue.map(voterOf)]);
}
