import type { RequestAggregate, Stage } from '../aggregate';
import { askApprovers } from './ask-approvers';
import type { TickCommand } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { firstDue, type Due } from './due';
import { cancelWhatIsLeft } from './end-request';
import { approveStage, refuseStage } from './settle-stage';
import { ruleOf, timeAfter } from './stage-rule';
import { Transition } from './transition';

/** Far more than can be due at once: every step either ends something or moves it into the future. */
const MAX_STEPS = 10_000;

function remind(transition: Transition, { at, stage, task }: Extract<Due, { kind: 'remind' }>): void {
  const rule = ruleOf(transition, stage);
  const { now } = transition.env;
  const { every = null, max = 0 } = rule.remind ?? {};
  let reminders = task.reminders + 1;
  let remindAt = every && reminders < max ? timeAfter(rule, at, every) : null;
  // Reminders that were missed are not made up for.
  while (every && remindAt !== null && remindAt <= now) {
    reminders += 1;
    remindAt = reminders < max ? timeAfter(rule, remindAt, every) : null;
  }
  transition.record('task.reminded', { task: { ...task, reminders, remindedAt: now, remindAt } });
}

function escalate(transition: Transition, { stage, escalation }: Extract<Due, { kind: 'escalate' }>): void {
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.escalated', { stageKey, stageIndex, escalation });
  if (ruleOf(transition, stage).escalate[escalation])
    askApprovers(transition, stage, { purpose: 'escalate', escalation });
}

function expire(transition: Transition, stage: Stage): void {
  const outcome = ruleOf(transition, stage).expire?.outcome ?? 'reject';
  for (const task of stage.tasks) {
    if (task.state === 'open')
      transition.record('task.expired', { task: { ...task, state: 'expired', remindAt: null } });
  }
  const { key: stageKey, index: stageIndex } = stage;
  const explanation = 'Nobody decided in time.';
  if (outcome === 'approve') return approveStage(transition, stage, explanation);
  if (outcome === 'reject') {
    const answer = { stageKey, decidedBy: null, reasonCode: null, comment: null };
    return refuseStage(transition, stage, { state: 'expired', explanation }, answer);
  }
  transition.record('stage.ended', { stageKey, stageIndex, state: 'expired', explanation });
  cancelWhatIsLeft(transition);
  if (outcome === 'cancel') transition.record('request.canceled', { reason: explanation });
  else transition.record('request.expired', { stageKey });
}

/** Does everything that is due, the earliest first. */
export function tick(command: TickCommand, state: RequestAggregate, env: DecideEnv): Decision {
  const transition = new Transition(state, env, command.actor);
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const due = firstDue(transition.state, env.now);
    if (!due || due.at > env.now) break;
    if (due.kind === 'remind') remind(transition, due);
    else if (due.kind === 'overdue') {
      transition.record('task.overdue', { task: { ...due.task, overdue: true } });
    } else if (due.kind === 'escalate') escalate(transition, due);
    else expire(transition, due.stage);
  }
  return transition.events.length > 0 ? transition.done() : NOTHING;
}
