import type { RequestAggregate, Stage } from '../aggregate';
import { changedPaths, Changes } from './changed-paths';
import type { ReviseCommand } from './commands';
import { NOTHING, refuse, type DecideEnv, type Decision } from './decision';
import { isRunning } from './progress';
import { routeOn } from './route-stages';
import { dueAt, ruleOf } from './stage-rule';
import { Transition } from './transition';

/** A stage that something has happened in. */
const isReached = (stage: Stage): boolean => stage.state !== 'pending' || isRunning(stage);

/** The stages reached whose rule could have come out differently, and the stages whose conditions ask for their state. */
function touchedStages(transition: Transition, changes: Changes): Set<string> {
  const { onChange } = transition.env.definition;
  const touched = new Set<string>();
  if (onChange === 'none') return touched;
  for (const stage of transition.state.stages) {
    if (!isReached(stage)) continue;
    const { reads } = ruleOf(transition, stage);
    const isTouched = onChange === 'all' || reads.some((read) => changes.touch(read));
    if (!isTouched) continue;
    touched.add(stage.key);
    changes.add(`stages.${stage.key}`);
  }
  return touched;
}

function putBack(transition: Transition, stage: Stage, isTouched: boolean, explanation: string): void {
  for (const task of stage.tasks) {
    if (task.state === 'open') {
      transition.record('task.closed', { taskId: task.id, stageKey: stage.key, state: 'canceled' });
    } else if (isTouched && (task.state === 'approved' || task.state === 'rejected')) {
      transition.record('task.dismissed', { task: { ...task, state: 'dismissed' } });
    }
  }
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.reopened', { stageKey, stageIndex, explanation });
}

/**
 * Starts the earliest step again that a change touches: answers given on what has changed are dismissed, later stages that
 * run are put back until they are reached again, all other answers stay (product section 4, Revision).
 */
function reopen(transition: Transition, changes: Changes, changed: readonly string[]): void {
  const touched = touchedStages(transition, changes);
  if (touched.size === 0) return;
  const stepOf = (stage: Stage) => ruleOf(transition, stage).step;
  const first = Math.min(
    ...transition.state.stages.filter(({ key }) => touched.has(key)).map((stage) => stepOf(stage)),
  );
  for (const stage of transition.state.stages) {
    const isTouched = touched.has(stage.key);
    if (isTouched) {
      putBack(transition, stage, true, `Reopened: ${changed.slice(0, 5).join(', ')} changed.`);
    } else if (stepOf(stage) > first && isRunning(stage)) {
      putBack(transition, stage, false, 'Put back: an earlier stage was reopened.');
    }
  }
  routeOn(transition, null);
}

/** Moves when running stages are due, where a field of the payload says that: it is counted from their start. */
function moveDueTimes(transition: Transition): void {
  for (const stage of transition.state.stages) {
    const rule = ruleOf(transition, stage);
    if (stage.state !== 'active' || stage.startedAt === null || typeof rule.sla !== 'object') continue;
    const due = dueAt(rule, stage.startedAt, transition.env.payload);
    if (due === stage.dueAt) continue;
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.due_changed', { stageKey, stageIndex, dueAt: due });
  }
}

/**
 * Changes title, reason and payload. A draft and a returned request are only edited, their revision comes with handing them
 * in; a pending one gets its next revision at once, and starts again from whatever the change touches.
 */
export function reviseRequest(command: ReviseCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const title = command.title ?? state.title;
  const reason = command.reason === undefined ? state.reason : command.reason;
  const payload = command.payload ? command.payload.value : env.payload;
  const inPayload = command.payload ? changedPaths(env.payload, payload, 'payload') : [];
  const changed = [...inPayload, ...(title === state.title ? [] : ['request.title'])];
  const isEdit = state.state === 'draft' || state.state === 'returned';
  if (!isEdit && state.state !== 'pending_review') {
    return refuse('invalid_transition', `A request that is ${state.state} cannot be changed.`);
  }
  if (changed.length === 0 && reason === state.reason) return NOTHING;

  const next = inPayload.length > 0 ? state.revision + 1 : state.payloadRevision;
  if (next > env.definition.maxRevisions) {
    const detail = `The workflow allows ${env.definition.maxRevisions} revisions of a request.`;
    return refuse('invalid_transition', detail);
  }
  const transition = new Transition(state, { ...env, payload }, command.actor);
  if (isEdit) {
    transition.record('request.edited', { title, reason, payloadRevision: next });
  } else {
    transition.record('request.revised', { revision: next, changed, title, reason });
    const all = inPayload.length > 0 ? [...changed, 'request.revision'] : changed;
    reopen(transition, new Changes(all, env.payload, payload), all);
    if (inPayload.length > 0) moveDueTimes(transition);
  }
  return transition.done();
}
