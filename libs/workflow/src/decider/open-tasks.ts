import type { Candidate, Person, Stage, Task } from '../aggregate';
import { ruleOf, timeAfter } from './stage-rule';
import type { Transition } from './transition';

/** As many people as a stage asks: all its tasks travel with each transition of the request. */
export const MAX_PEOPLE = 1_000;

/** Opens a question to one person. */
export function openTask(
  transition: Transition,
  stage: Stage,
  { person, why }: Candidate,
  onBehalfOf: Person | null = null,
): void {
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
    remindAt: rule.remind ? timeAfter(rule, now, rule.remind.after) : null,
    remindedAt: null,
    reminders: 0,
    overdue: false,
    passedTo: null,
  };
  transition.record('task.assigned', { task, why });
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
  for (const { state, assignee, passedTo } of stage.tasks) {
    if (state === 'reassigned') heirs.set(assignee.id, passedTo);
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

/** The people of a stage whose answer counts or is still awaited. */
export function peopleOf(stage: Stage): Set<string> {
  const people = new Set<string>();
  for (const task of stage.tasks) {
    if (task.state === 'open') people.add(task.assignee.id);
    else if (task.state === 'approved' || task.state === 'rejected') {
      people.add(task.decidedBy?.id ?? task.assignee.id);
    }
  }
  for (const { person } of stage.queue) people.add(person.id);
  return people;
}
