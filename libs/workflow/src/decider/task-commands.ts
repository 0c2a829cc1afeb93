import type { Person, QuorumPart, RequestAggregate, Stage, Task } from '../aggregate';
import type { ReassignCommand, RemindCommand } from './commands';
import { refuse, type DecideEnv, type Decision } from './decision';
import type { Actor } from './events';
import { askWhoHolds } from './delegations-changed';
import { findTask } from './find-task';
import { openTask, peopleOf, voterOfTask } from './open-tasks';
import { forbiddenDeciders } from './stage-rule';
import { Transition } from './transition';

/** Between two reminders that people send about one task (product section 3). */
const REMIND_PAUSE_MS = 3_600_000;

const isOwn = (actor: Actor, { assignee, onBehalfOf }: Task): boolean =>
  actor.id === assignee.id || (onBehalfOf !== null && actor.id === onBehalfOf.id);

function whyNot(transition: Transition, stage: Stage, task: Task, to: Person): string | null {
  if (to.id === task.assignee.id) return 'already has the task';
  const forbidden = forbiddenDeciders(transition, stage).get(to.id);
  if (forbidden) return forbidden;
  if (to.id === voterOfTask(task)) return null;
  const isAsked =
    peopleOf(stage).has(to.id) ||
    stage.tasks.some(({ state, assignee }) => state === 'open' && assignee.id === to.id);
  return isAsked ? `is asked in the stage ${stage.title} already` : null;
}

/** Who has passed a task on: of two under a delegation whoever says so, else who is replaced by it. */
function passedBy(actor: Actor, task: Task, to: Person): string {
  if (actor.type === 'user' && actor.id !== null) return actor.id;
  return to.id === voterOfTask(task) ? task.assignee.id : voterOfTask(task);
}

/** The vote stays where it is, so nothing of the quorum moves. */
function giveBack(transition: Transition, stage: Stage, task: Task, to: Person): void {
  const substitution = `whose stand-in ${task.assignee.displayName} has given the task back`;
  openTask(transition, stage, { person: to, why: task.why, substitution });
}

function passOn(transition: Transition, stage: Stage, task: Task, to: Person): void {
  const isTheirs = ({ people }: QuorumPart) => people?.includes(voterOfTask(task)) ?? false;
  const quorum = stage.quorum.map((part) =>
    isTheirs(part) ? { ...part, people: [...(part.people ?? []), to.id] } : part,
  );
  const { key: stageKey, index: stageIndex } = stage;
  if (stage.quorum.some(isTheirs)) {
    const explanation = stage.explanation ?? '';
    transition.record('stage.quorum_changed', { stageKey, stageIndex, quorum, explanation });
  }
  openTask(transition, stage, { person: to, why: [`Reassigned from ${task.assignee.displayName}`] });
}

/**
 * Gives a task to somebody else, who then counts wherever the one before would have, or by a delegate back to the
 * delegator; and asks who stands in for them.
 */
export function reassignTask(command: ReassignCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const found = findTask(state, command.taskId);
  if (!found) return refuse('not_found', 'There is no such task.');
  const { stage, task } = found;
  const { to, actor, reason } = command;
  const transition = new Transition(state, env, actor);
  const unfit = task.state === 'open' ? whyNot(transition, stage, task, to) : null;
  if (unfit) return refuse('validation_failed', `${to.displayName} ${unfit}.`, '/to');
  if (actor.type === 'user' && !isOwn(actor, task)) {
    return refuse('not_assignee', 'Only the person that the task is assigned to may pass it on.');
  }
  if (command.expectedVersion !== undefined && command.expectedVersion !== state.version) {
    return refuse('version_mismatch', `The request is at version ${state.version}.`);
  }
  if (task.state !== 'open')
    return refuse('task_closed', `The task is not open any more: it is ${task.state}.`);

  transition.record('task.reassigned', {
    task: {
      ...task,
      state: 'reassigned',
      remindAt: null,
      passedTo: to.id,
      passedBy: passedBy(actor, task, to),
    },
    to,
    reason,
  });
  if (to.id === voterOfTask(task)) giveBack(transition, stage, task, to);
  else passOn(transition, stage, task, to);
  askWhoHolds(transition, stage.index, new Set([to.id]));
  return transition.done();
}

/** Reminds the assignee of an open task. */
export function remindTask(command: RemindCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const found = findTask(state, command.taskId);
  if (!found) return refuse('not_found', 'There is no such task.');
  const { task } = found;
  const { actor } = command;
  if (actor.type === 'user' && !isOwn(actor, task) && actor.id !== state.requester.id) {
    return refuse('not_assignee', 'Only the assignee and the requester may send a reminder.');
  }
  if (command.expectedVersion !== undefined && command.expectedVersion !== state.version) {
    return refuse('version_mismatch', `The request is at version ${state.version}.`);
  }
  if (task.state !== 'open')
    return refuse('task_closed', `The task is not open any more: it is ${task.state}.`);
  const waitMs = task.remindedAt ? Date.parse(task.remindedAt) + REMIND_PAUSE_MS - Date.parse(env.now) : 0;
  if (waitMs > 0) {
    const detail = 'A reminder of this task was sent within the last hour.';
    return { ok: false, error: { code: 'rate_limited', detail, retryAfterS: Math.ceil(waitMs / 1_000) } };
  }
  const transition = new Transition(state, env, actor);
  transition.record('task.reminded', { task: { ...task, remindedAt: env.now } });
  return transition.done();
}
