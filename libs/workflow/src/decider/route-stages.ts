import type { Requester, Stage } from '../aggregate';
import type { ConditionContext } from '../cel/condition';
import type { CompiledStage } from '../definition/compile-definition';
import type { ApproverSource } from '../definition/workflow-definition';
import { resolvableSources } from './approver-sources';
import { approveRequest, failRequest } from './end-request';
import type { Transition } from './transition';

/** Steps of evaluation that the conditions of one routing may take together. */
const MAX_ROUTING_STEPS = 100_000;

/** The definition's side of a stage. The two always match: a request keeps the version that it started on. */
export function compiledStage(transition: Transition, stage: Stage): CompiledStage {
  const found = transition.env.definition.stages[stage.index];
  if (found?.key !== stage.key) throw new Error(`the definition has no stage ${stage.key} at ${stage.index}`);
  return found;
}

function visibleRequester(requester: Requester): Record<string, unknown> {
  const { id, userName, displayName, department, region, approvalLimit, groups, manager } = requester;
  return { id, userName, displayName, department, region, approvalLimit, groups, manager };
}

function contextOf({ state, env }: Transition): ConditionContext {
  return {
    payload: env.payload,
    requester: visibleRequester(state.requester),
    request: {
      title: state.title,
      workflow: state.workflow.key,
      createdAt: state.createdAt,
      revision: state.revision,
    },
    stages: Object.fromEntries(state.stages.map((stage) => [stage.key, { state: stage.state }])),
    budget: { steps: MAX_ROUTING_STEPS },
  };
}

/** Asks for the approvers that `sources` name and makes the stage wait for the answer. */
export function awaitApprovers(
  transition: Transition,
  stage: Stage,
  sources: ApproverSource[],
  { fallback }: { fallback: boolean },
): void {
  const resolutionId = transition.env.newId();
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.awaiting_approvers', { stageKey, stageIndex, resolutionId, fallback });
  transition.effects.push({
    type: 'resolveApprovers',
    resolutionId,
    stageKey,
    stageIndex,
    sources: resolvableSources(sources, transition.env.payload).sources,
    exclude:
      compiledStage(transition, stage).selfApproval === 'forbid' ? [transition.state.requester.id] : [],
  });
}

interface Route {
  skipped: { stage: Stage; explanation: string }[];
  /** The first stage that applies; null at the end. */
  next: Stage | null;
  failure: { stage: Stage; detail: string } | null;
}

/** Evaluates the conditions of the stages not reached yet, in order, up to the first that applies. */
function findRoute(transition: Transition): Route {
  const route: Route = { skipped: [], next: null, failure: null };
  const context = contextOf(transition);
  for (const stage of transition.state.stages) {
    if (stage.state !== 'pending') continue;
    const { when } = compiledStage(transition, stage);
    if (!when) return { ...route, next: stage };
    const result = when.evaluate(context);
    if (!result.ok) {
      const detail = `The condition ${when.text} of stage ${stage.title} could not be evaluated: ${result.message}.`;
      return { ...route, failure: { stage, detail } };
    }
    if (result.value) return { ...route, next: stage };
    const values = result.values.map(({ path, value }) => `${path} is ${value}`).join(', ');
    const because = values === '' ? '' : ` (${values})`;
    route.skipped.push({ stage, explanation: `Skipped: the condition ${when.text} is not met${because}.` });
    context.stages[stage.key] = { state: 'skipped' };
  }
  return route;
}

/**
 * Goes on to the next stage that applies. `approved` is the stage just approved: whether it was the last one shows
 * only once the conditions after it have been evaluated. When no stage is left, the request is approved if any stage
 * approved it; a request that every stage skipped is up to `onNoStage`.
 */
export function routeOn(transition: Transition, approved: Stage | null): void {
  const { skipped, next, failure } = findRoute(transition);
  if (approved && (next || failure)) {
    transition.record('request.stage_approved', { stageKey: approved.key, stageIndex: approved.index });
  }
  for (const { stage, explanation } of skipped) {
    transition.record('stage.skipped', { stageKey: stage.key, stageIndex: stage.index, explanation });
  }
  if (failure) {
    failRequest(transition, 'expression_error', failure.stage, failure.detail);
  } else if (next) {
    awaitApprovers(transition, next, compiledStage(transition, next).approvers, { fallback: false });
  } else if (transition.state.stages.some(({ state }) => state === 'approved')) {
    approveRequest(transition, null);
  } else if (transition.env.definition.onNoStage === 'approve') {
    approveRequest(transition, 'Approved: no stage of the workflow applies.');
  } else {
    failRequest(transition, 'no_stage', null, 'No stage of the workflow applies to this request.');
  }
}
