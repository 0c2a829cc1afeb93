import type { Resolution, ResolutionPurpose, Stage } from '../aggregate';
import type { ConditionContext } from '../cel/condition';
import type { CompiledSource } from '../definition/compiled-definition';
import { resolvableSources } from './approver-sources';
import { askedSources } from './asked-sources';
import { failRequest } from './end-request';
import { voterOfTask } from './open-tasks';
import { conditionContext, forbiddenDeciders, ruleOf } from './stage-rule';
import type { Transition } from './transition';

interface Question {
  purpose: ResolutionPurpose;
  escalation?: number;
  /** Shared by all conditions of one routing, for their budget. */
  conditions?: ConditionContext;
}

/**
 * Asks whom the stage's sources for a purpose name and makes the stage wait for the answer. An expression that cannot be evaluated fails the
 * request; the answer is then false.
 */
export function askApprovers(transition: Transition, stage: Stage, question: Question): boolean {
  const rule = ruleOf(transition, stage);
  const { requester } = transition.state;
  const context = {
    conditions: question.conditions ?? conditionContext(transition),
    requester: requester.id,
    assignees: stage.tasks.filter(({ state }) => state === 'open').map(voterOfTask),
  };
  const forApprovers = question.purpose !== 'notify';
  const approvers = resolvableSources(askedSources(rule, stage, question), context);
  const each =
    forApprovers && typeof rule.quorum === 'object' && 'each' in rule.quorum ? rule.quorum.each : [];
  const parts = each.map(({ approvals, ...source }) =>
    resolvableSources({ place: 'quorum.each', sources: [source as CompiledSource] }, context),
  );
  const reroute = forApprovers && rule.selfApproval === 'reroute';
  const resolved = [approvers, ...parts];
  for (const result of resolved) {
    if (result.ok) continue;
    failRequest(transition, 'expression_error', stage, result.detail);
    return false;
  }
  const sourcesOf = (result: (typeof resolved)[number]) => (result.ok ? result.sources : []);
  const rules = [
    ...(approvers.ok ? approvers.rules : []),
    ...parts.map((part, index) => ({ rule: `quorum.each.${index}`, count: sourcesOf(part).length })),
    { rule: 'selfApproval', count: reroute ? 1 : 0 },
  ];
  const resolution: Resolution = {
    id: transition.env.newId(),
    purpose: question.purpose,
    ...(question.escalation === undefined ? {} : { escalation: question.escalation }),
    counts: {
      approvers: sourcesOf(approvers).length,
      parts: parts.map((part) => sourcesOf(part).length),
      reroute: reroute ? 1 : 0,
    },
  };
  const { key: stageKey, index: stageIndex } = stage;
  transition.record('stage.awaiting_approvers', { stageKey, stageIndex, resolution });
  const forbidden = [...forbiddenDeciders(transition, stage).keys()];
  transition.effects.push({
    type: 'resolveApprovers',
    resolutionId: resolution.id,
    stageKey,
    stageIndex,
    sources: [
      ...resolved.flatMap(sourcesOf),
      ...(reroute ? [{ manager: { of: requester.id, levels: 1 } }] : []),
    ],
    rules: rules.filter(({ count }) => count > 0),
    // A requester whose task goes to somebody else has to be found first.
    exclude: !forApprovers ? [] : reroute ? forbidden.filter((id) => id !== requester.id) : forbidden,
    delegations: forApprovers ? { workflow: transition.state.workflow.key, forbidden } : null,
  });
  return true;
}
