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
  state: 'rejected' | 'expired',
  answer: Answer,
): void {
  closeOpenTasks(transition, stage);
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.ended', { stageKey, stageIndex, state, explanation: null });
  if (ruleOf(transition, stage).onReject === 'return') returnRequest(transition, answer);
  else rejectRequest(transition, answer);
}

function isRejected(transition: Transition, stage: Stage): boolean {
  const rejections = rejectionsReceived(stage);
  if (rejections === 0) return false;
  const { reject } = ruleOf(transition, stage);
  if (reject === 'any') return true;
  // Whatever the rule counts: a stage that can no more be approved must not wait for ever.
  return !isQuorumReachable(stage) || (typeof reject === 'object' && rejections >= reject.rejections);
}

/** Does what follows from the answers that a stage has so far. `answer` is the one that came last. */
export function settleStage(transition: Transition, stageIndex: number, answer: Answer | null): void {
  const stage = transition.state.stages[stageIndex];
  if (stage?.state !== 'active') return;
  if (isQuorumMet(stage)) return approveStage(transition, stage, null);
  if (isRejected(transition, stage)) {
    const nobody = { stageKey: stage.key, decidedBy: null, reasonCode: null, comment: null };
    return refuseStage(transition, stage, 'rejected', answer ?? nobody);
  }
  const waits = stage.resolutions.some(({ purpose }) => purpose !== 'notify');
  if (!isQuorumReachable(stage) && !waits) {
    const detail = `Too few approvers are left to approve the stage ${stage.title}.`;
    return noApprovers(transition, stage, { nobody: !stage.tasks.some(({ decision }) => decision), detail });
  }
  askNext(transition, stageIndex);
}
