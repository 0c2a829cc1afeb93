import type { Stage } from '../aggregate';
import { askApprovers } from './ask-approvers';
import { closeOpenTasks, failRequest } from './end-request';
import { routeOn } from './route-stages';
import { ruleOf } from './stage-rule';
import type { Transition } from './transition';

/**
 * Applies `onNoApprovers`. Fewer people than the quorum asks for count as no approvers, and so do too many, but only a fallback or a failure
 * can follow: `skip` and `approve` are meant for a stage that has nobody, not for one whose people would be passed
 * over.
 */
export function noApprovers(
  transition: Transition,
  stage: Stage,
  { nobody, detail }: { nobody: boolean; detail: string },
): void {
  const { onNoApprovers } = ruleOf(transition, stage);
  const { key: stageKey, index: stageIndex } = stage;
  if (typeof onNoApprovers === 'object' && !stage.fallback) {
    askApprovers(transition, stage, { purpose: 'fallback' });
  } else if (nobody && onNoApprovers === 'skip') {
    closeOpenTasks(transition, stage);
    transition.record('stage.skipped', { stageKey, stageIndex, explanation: `Skipped: ${detail}` });
    routeOn(transition, null);
  } else if (nobody && onNoApprovers === 'approve') {
    const explanation = `Approved without approvers, as the workflow says: ${detail}`;
    if (stage.state === 'pending') {
      const none = { quorum: [], queue: [], dueAt: null, escalateAt: [], expireAt: null };
      transition.record('request.stage_started', { stageKey, stageIndex, explanation, ...none });
    }
    closeOpenTasks(transition, stage);
    transition.record('stage.ended', { stageKey, stageIndex, state: 'approved', explanation });
    routeOn(transition, stage);
  } else {
    failRequest(transition, 'no_approvers', stage, detail);
  }
}
