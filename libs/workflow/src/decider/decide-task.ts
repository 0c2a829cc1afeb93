import type { Person, RequestAggregate, Stage, Task, TaskDecision, TaskState } from '../aggregate';
import type { DecideTaskCommand } from './commands';
import { refuse, type DecideEnv, type Decision } from './decision';
import { closeOpenTasks, returnRequest } from './end-request';
import { findTask } from './find-task';
import { isQuorumReachable } from './quorum';
import { settleStage } from './settle-stage';
import { forbiddenDeciders } from './stage-rule';
import { Transition } from './transition';

const TASK_STATE: Record<TaskDecision, Extract<TaskState, 'approved' | 'rejected' | 'returned'>> = {
  approve: 'approved',
  reject: 'rejected',
  return: 'returned',
};

/** Under a delegation both may decide: the delegate, who holds the task, and the delegator. */
function deciderOf(task: Task, command: DecideTaskCommand): Person | null {
  if (command.actor.type !== 'user') return null;
  if (task.assignee.id === command.actor.id) return task.assignee;
  return task.onBehalfOf?.id === command.actor.id ? task.onBehalfOf : null;
}

const otherOf = ({ assignee, onBehalfOf }: Task, decidedBy: Person): string =>
  (assignee.id === decidedBy.id ? onBehalfOf : assignee)?.displayName ?? 'somebody else';

/**
 * Whether an approval with somebody else's vote would leave too few: a person counts once, however many tasks they hold, so a
 * quorum may need the other person who may decide the task.
 */
function wastesVote(stage: Stage, task: Task, decidedBy: Person): boolean {
  if (task.onBehalfOf === null) return false;
  const approved: Task = { ...task, state: 'approved', decidedBy };
  const after = { ...stage, tasks: stage.tasks.map((one) => (one.id === task.id ? approved : one)) };
  return isQuorumReachable(stage) && !isQuorumReachable(after);
}

function inputProblem(command: DecideTaskCommand, stage: Stage, env: DecideEnv): Decision | null {
  const { decision, reasonCode } = command;
  const codes = env.definition.reasonCodes[decision];
  if (reasonCode != null && codes && !codes.includes(reasonCode)) {
    const known = codes.length > 0 ? `: use one of ${codes.join(', ')}` : '';
    const detail = `${reasonCode} is not a reason code of this workflow for the decision ${decision}${known}.`;
    return refuse('validation_failed', detail, '/reasonCode');
  }
  const rule = env.definition.stages[stage.index]?.comment;
  const required = rule === 'required' || (rule === 'required-on-reject' && decision === 'reject');
  if (required && (command.comment ?? '').trim() === '') {
    return refuse(
      'validation_failed',
      `The stage ${stage.title} asks for a comment with this decision.`,
      '/comment',
    );
  }
  return null;
}

/** Takes one approver's answer, and does with the stage what follows from it. */
export function decideTask(command: DecideTaskCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const found = findTask(state, command.taskId);
  if (!found) return refuse('not_found', 'There is no such task.');
  const { stage, task } = found;
  const problem = inputProblem(command, stage, env);
  if (problem) return problem;
  const decidedBy = deciderOf(task, command);
  if (!decidedBy)
    return refuse('not_assignee', 'Only the person that the task is assigned to may decide it.');
  if (command.expectedVersion !== undefined && command.expectedVersion !== state.version) {
    return refuse('version_mismatch', `The request is at version ${state.version}.`);
  }
  if (task.state !== 'open')
    return refuse('task_closed', `The task is not open any more: it is ${task.state}.`);
  if (command.revision !== undefined && command.revision !== state.revision) {
    const detail = `The decision was made on revision ${command.revision}, but the request is at revision ${state.revision}.`;
    return refuse('stale_revision', detail);
  }
  const { words } = command;
  if (words && (words.title !== state.title || words.reason !== state.reason)) {
    return refuse(
      'stale_revision',
      'The decision was made on another title or reason than the request has now.',
    );
  }
  const transition = new Transition(state, env, command.actor);
  // What held when the task was opened may not hold any more: a stage may have been decided again since.
  const forbidden = forbiddenDeciders(transition, stage);
  const voter = task.onBehalfOf ?? task.assignee;
  for (const { id, displayName } of [decidedBy, voter]) {
    const why = forbidden.get(id);
    if (why) return refuse('not_assignee', `${displayName} ${why}.`);
  }

  if (command.decision === 'approve' && wastesVote(stage, task, decidedBy)) {
    const detail = `${decidedBy.displayName} counts once in the stage ${stage.title}, whose approval needs ${otherOf(task, decidedBy)} as well.`;
    return refuse('not_assignee', detail);
  }

  const reasonCode = command.reasonCode ?? null;
  const comment = command.comment ?? null;
  transition.record('task.decided', {
    task: {
      ...task,
      state: TASK_STATE[command.decision],
      decision: command.decision,
      decidedBy,
      reasonCode,
      comment,
      decidedAt: env.now,
      remindAt: null,
    },
  });
  const answer = { stageKey: stage.key, decidedBy, reasonCode, comment };
  const decided = transition.state.stages[stage.index] ?? stage;
  if (command.decision === 'return') {
    closeOpenTasks(transition, decided);
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.ended', { stageKey, stageIndex, state: 'returned', explanation: null });
    returnRequest(transition, answer);
  } else settleStage(transition, stage.index, answer);
  return transition.done();
}
