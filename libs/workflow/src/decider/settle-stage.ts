import type { Stage } from '../aggregate';
import { closeOpenTasks, rejectRequest, returnRequest, type Answer } from './end-request';
import { noApprovers } from './no-approvers';
import { askNext } from './open-tasks';
import { isQuorumMet, isQuorumReachable, rejectionsReceived } from './quorum';
import { routeOn } from './route-stages';
import { ruleOf } from './stage-rule';
import type { Transition } from './transition';

/** Ends a stage as approved and goes on. */
export function approveStage(transition: Transition, stage: Stage, explanation: string | null): void {
  closeOpenTasks(transition, stage);
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.ended', { stageKey, stageIndex, state: 'approved', explanation });
  routeOn(transition, stage);
}

/** Ends a stage that said no: with the request, or back to the requester. */
export function refuseStage(
  transition: Transition,
  stage: Stage,
  { state, explanation }: { state: 'rejected' | 'expired'; explanation: string | null },
  answer: Answer,
): void {
  closeOpenTasks(transition, stage);
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.ended', { stageKey, stageIndex, state, explanation });
  if (ruleOf(transition, stage).onReject === 'return') returnRequest(transition, answer);
  else rejectRequest(transition, answer);
}

/** True when the quorum cannot be met any more, and nobody is being looked for who could still help. */
function isStuck(stage: Stage): boolean {
  return !isQuorumReachable(stage) && stage.resolutions.every(({ purpose }) => purpose === 'notify');
}

function isRejected(transition: Transition, stage: Stage): boolean {
  const rejections = rejectionsReceived(stage);
  if (rejections === 0) return false;
  const { reject } = ruleOf(transition, stage);
  if (reject === 'any') return true;
  // Whatever the rule counts: a stage that can no more be approved must not wait for ever.
  return isStuck(stage) || (typeof reject === 'object' && rejections >= reject.rejections);
}

function lastRejection({ key, tasks }: Stage): Answer {
  const [last] = tasks
    .filter(({ state }) => state === 'rejected')
    .sort((a, b) => ((a.decidedAt ?? '') < (b.decidedAt ?? '') ? 1 : -1));
  const { decidedBy = null, reasonCode = null, comment = null } = last ?? {};
  return { stageKey: key, decidedBy, reasonCode, comment };
}

/** Does what follows from the answers that a stage has so far. */
export function settleStage(transition: Transition, stageIndex: number): void {
  const stage = transition.state.stages[stageIndex];
  if (stage?.state !== 'active') return;
  if (isQuorumMet(stage)) return approveStage(transition, stage, null);
  if (isRejected(transition, stage)) {
    return refuseStage(transition, stage, { state: 'rejected', explanation: null }, lastRejection(stage));
  }
  if (isStuck(stage)) {
    const detail = `Too few approvers are left to approve the stage ${stage.title}.`;
    return noApprovers(transition, stage, { nobody: !stage.tasks.some(({ decision }) => decision), detail });
  }
  askNext(transition, stageIndex);
}
