import type { Stage } from '../aggregate';
import { askApprovers } from './ask-approvers';
import { approveRequest, failRequest } from './end-request';
import { isRunning } from './progress';
import { conditionContext, ruleOf } from './stage-rule';
import type { Transition } from './transition';

interface Route {
  skipped: { stage: Stage; explanation: string }[];
  /** What starts now: the stages of one step that apply. */
  next: Stage[];
  failure: { stage: Stage; detail: string } | null;
}

const isUndecided = (stage: Stage): boolean => stage.state === 'pending' && !isRunning(stage);

function stepsOf(transition: Transition): Stage[][] {
  const steps: Stage[][] = [];
  for (const stage of transition.state.stages) (steps[ruleOf(transition, stage).step] ??= []).push(stage);
  return steps;
}

/**
 * Evaluates the conditions of the stages not reached yet, step by step, up to the first step that has something to do.
 * A step that still runs is not passed.
 */
function findRoute(transition: Transition, context: ReturnType<typeof conditionContext>): Route {
  const route: Route = { skipped: [], next: [], failure: null };
  for (const stages of stepsOf(transition)) {
    for (const stage of stages.filter(isUndecided)) {
      const { when } = ruleOf(transition, stage);
      const result = when?.evaluate(context) ?? { ok: true, value: true };
      if (!result.ok) {
        const detail = `The condition ${when?.text} of stage ${stage.title} could not be evaluated: ${result.message}.`;
        return { ...route, next: [], failure: { stage, detail } };
      }
      if (result.value) route.next.push(stage);
      else {
        const why = when?.explain(context, stage.title) ?? '';
        route.skipped.push({ stage, explanation: `Skipped: ${why.replace(/\.$/, '')}.` });
      }
    }
    for (const { stage } of route.skipped) context.stages[stage.key] = { state: 'skipped' };
    if (route.next.length > 0 || stages.some(isRunning)) break;
  }
  return route;
}

/**
 * Goes on to the next step that applies, once the one before has ended. `approved` is the stage just approved: whether it
 * was the last one shows only once the conditions after it have been evaluated. When no stage is left, the request is
 * approved if any stage approved it; a request that every stage skipped is up to `onNoStage`.
 */
export function routeOn(transition: Transition, approved: Stage | null): void {
  const context = conditionContext(transition);
  const { skipped, next, failure } = findRoute(transition, context);
  const isRunningStill = transition.state.stages.some(isRunning);
  if (approved && (isRunningStill || next.length > 0 || failure)) {
    transition.record('request.stage_approved', { stageKey: approved.key, stageIndex: approved.index });
  }
  for (const { stage, explanation } of skipped) {
    transition.record('stage.skipped', { stageKey: stage.key, stageIndex: stage.index, explanation });
  }
  if (failure) {
    failRequest(transition, 'expression_error', failure.stage, failure.detail);
    return;
  }
  const asked = transition.effects.length;
  for (const stage of next) {
    if (!askApprovers(transition, stage, { purpose: 'start', conditions: context })) {
      // The request has failed: nobody is asked about it, least of all a webhook.
      transition.effects.length = asked;
      return;
    }
  }
  if (isRunningStill || next.length > 0) return;
  if (transition.state.stages.some(({ state }) => state === 'approved')) {
    approveRequest(transition, null);
  } else if (transition.env.definition.onNoStage === 'approve') {
    approveRequest(transition, 'Approved: no stage of the workflow applies.');
  } else {
    failRequest(transition, 'no_stage', null, 'No stage of the workflow applies to this request.');
  }
}
