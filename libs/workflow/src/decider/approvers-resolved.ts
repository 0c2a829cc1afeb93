import type { Person, RequestAggregate, Stage } from '../aggregate';
import { resolvableSources } from './approver-sources';
import type { ApproversResolvedCommand } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { failRequest } from './end-request';
import { approvalsNeeded } from './quorum';
import { awaitApprovers, compiledStage, routeOn } from './route-stages';
import { Transition } from './transition';

type Candidates = Map<string, { person: Person; why: string[] }>;

/** One entry a person; the requester is left out here as well, whatever the resolver answered. */
function candidatesOf(command: ApproversResolvedCommand, excluded: string | null): Candidates {
  const candidates: Candidates = new Map();
  for (const { person, why } of command.outcome.approvers) {
    if (person.id === excluded) continue;
    const known = candidates.get(person.id);
    if (known) known.why.push(why);
    else candidates.set(person.id, { person, why: [why] });
  }
  return candidates;
}

/** Why nobody is there, in words for the requester. */
function whyNobody(command: ApproversResolvedCommand, transition: Transition, stage: Stage): string {
  const rule = compiledStage(transition, stage);
  const { requester } = transition.state;
  const { outcome } = command;
  const reasons: string[] = [];
  if (outcome.note) reasons.push(outcome.note.replace(/\.$/, ''));
  const sources =
    stage.fallback && typeof rule.onNoApprovers === 'object' ? rule.onNoApprovers.fallback : rule.approvers;
  const leftOut = [...outcome.skipped, ...resolvableSources(sources, transition.env.payload).leftOut];
  reasons.push(...leftOut.slice(0, 5).map(({ ref, why }) => (why.includes(ref) ? why : `${ref}: ${why}`)));
  if (leftOut.length > 5) reasons.push(`and ${leftOut.length - 5} more`);
  if (rule.selfApproval === 'forbid' && outcome.approvers.some(({ person }) => person.id === requester.id)) {
    reasons.push('the requester may not approve their own request');
  }
  const because = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return `Nobody could be identified to approve the stage ${stage.title}${because}.`;
}

function startStage(transition: Transition, stage: Stage, needed: number, candidates: Candidates): void {
  const { key: stageKey, index: stageIndex } = stage;
  const { now, newId } = transition.env;
  const people = candidates.size;
  const explanation = `${needed} of ${people} ${people === 1 ? 'approver' : 'approvers'} must approve.`;
  transition.record('request.stage_started', { stageKey, stageIndex, approvalsNeeded: needed, explanation });
  for (const { person, why } of candidates.values()) {
    transition.record('task.assigned', {
      why,
      task: {
        id: newId(),
        stageKey,
        state: 'open',
        assignee: person,
        onBehalfOf: null,
        revision: transition.state.revision,
        dueAt: null,
        decision: null,
        decidedBy: null,
        reasonCode: null,
        comment: null,
        decidedAt: null,
        openedAt: now,
      },
    });
  }
}

function approveWithoutApprovers(transition: Transition, stage: Stage, detail: string): void {
  const { key: stageKey, index: stageIndex } = stage;
  const explanation = `Approved without approvers, as the workflow says: ${detail}`;
  transition.record('request.stage_started', { stageKey, stageIndex, approvalsNeeded: 0, explanation });
  transition.record('stage.ended', { stageKey, stageIndex, state: 'approved', explanation });
  routeOn(transition, stage);
}

/**
 * Opens the tasks of a stage, or applies `onNoApprovers`. An answer that the stage does not wait for (late, or given
 * twice) changes nothing.
 *
 * Fewer people than `quorum.approvals` asks for count as no approvers, but only a fallback or a failure can follow:
 * `skip` and `approve` are meant for a stage that has nobody, not for one whose few people would be passed over.
 */
export function approversResolved(
  command: ApproversResolvedCommand,
  state: RequestAggregate,
  env: DecideEnv,
): Decision {
  const stage = state.stages.find(({ key }) => key === command.stageKey);
  if (!stage || stage.resolutionId === null || stage.resolutionId !== command.resolutionId) return NOTHING;

  const transition = new Transition(state, env, command.actor);
  const rule = compiledStage(transition, stage);
  const candidates = candidatesOf(command, rule.selfApproval === 'forbid' ? state.requester.id : null);
  const needed = approvalsNeeded(rule.quorum, candidates.size);
  const nobody = candidates.size === 0;
  if (!nobody && needed <= candidates.size) {
    startStage(transition, stage, needed, candidates);
    return transition.done();
  }

  const found = `only ${candidates.size} ${candidates.size === 1 ? 'approver was' : 'approvers were'} found`;
  const detail = nobody
    ? whyNobody(command, transition, stage)
    : `The stage ${stage.title} needs ${needed} approvals, but ${found}.`;
  const { onNoApprovers } = rule;
  if (typeof onNoApprovers === 'object' && !stage.fallback) {
    awaitApprovers(transition, stage, onNoApprovers.fallback, { fallback: true });
  } else if (nobody && onNoApprovers === 'skip') {
    const { key: stageKey, index: stageIndex } = stage;
    transition.record('stage.skipped', { stageKey, stageIndex, explanation: `Skipped: ${detail}` });
    routeOn(transition, null);
  } else if (nobody && onNoApprovers === 'approve') {
    approveWithoutApprovers(transition, stage, detail);
  } else {
    failRequest(transition, 'no_approvers', stage, detail);
  }
  return transition.done();
}
