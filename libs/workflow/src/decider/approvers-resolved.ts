import type { Candidate, RequestAggregate, Resolution, Stage } from '../aggregate';
import { resolvableSources } from './approver-sources';
import type { ApproversResolvedCommand, ResolvedPerson } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { escalate } from './escalate-stage';
import { addPeople, couldBeMet, startStage } from './fill-stage';
import { noApprovers } from './no-approvers';
import { peopleOf } from './open-tasks';
import { quorumOf } from './quorum';
import { settleStage } from './settle-stage';
import { conditionContext, forbiddenDeciders, ruleOf } from './stage-rule';
import { Transition } from './transition';

/** Who an answer names, by what the sources were for. */
interface Named {
  candidates: Candidate[];
  /** Members of each part of the quorum, by user id. */
  members: string[][];
}

/** One entry a person, with everything that was said of them. */
function onceEach(named: readonly ResolvedPerson[]): Candidate[] {
  const people = new Map<string, Candidate>();
  for (const { person, why } of named) {
    const known = people.get(person.id);
    people.set(person.id, { person, why: [...new Set([...(known?.why ?? []), ...why])] });
  }
  return [...people.values()];
}

function namedBy(
  transition: Transition,
  stage: Stage,
  { counts }: Resolution,
  approvers: readonly ResolvedPerson[],
): Named {
  const forbidden = forbiddenDeciders(transition, stage);
  const requesterId = transition.state.requester.id;
  const within = (from: number, count: number) => (person: ResolvedPerson) =>
    person.sources.some((source) => source >= from && source < from + count);
  const asked = approvers.filter(within(0, counts.approvers));
  let from = counts.approvers;
  const members = counts.parts.map((count) => {
    const ids = approvers.filter(within(from, count)).map(({ person }) => person.id);
    from += count;
    return ids;
  });
  const candidates = onceEach(asked);
  if (counts.reroute > 0 && asked.some(({ person }) => person.id === requesterId)) {
    const known = new Set(asked.map(({ person }) => person.id));
    for (const { person } of approvers.filter(within(from, counts.reroute))) {
      for (const ids of members) if (ids.includes(requesterId)) ids.push(person.id);
      if (!known.has(person.id)) candidates.push({ person, why: ['Stands in for the requester'] });
    }
  }
  return { candidates: candidates.filter(({ person }) => !forbidden.has(person.id)), members };
}

/** Why nobody is there, in words for the requester. */
function whyNobody(
  transition: Transition,
  stage: Stage,
  outcome: ApproversResolvedCommand['outcome'],
): string {
  const rule = ruleOf(transition, stage);
  const reasons: string[] = [];
  if (outcome.note) reasons.push(outcome.note.replace(/\.$/, ''));
  const { onNoApprovers } = rule;
  const sources =
    stage.fallback && typeof onNoApprovers === 'object' ? onNoApprovers.fallback : rule.approvers;
  const context = { conditions: conditionContext(transition), requester: '', assignees: [] };
  const read = resolvableSources(sources, context);
  const leftOut = [...outcome.skipped, ...(read.ok ? read.leftOut : [])];
  const forbidden = forbiddenDeciders(transition, stage);
  for (const { person } of outcome.approvers) {
    const why = forbidden.get(person.id);
    if (!why) continue;
    const isRequester = person.id === transition.state.requester.id;
    leftOut.push({ ref: isRequester ? 'the requester' : person.displayName, why });
  }
  const said = leftOut.map(({ ref, why }) => {
    if (why.includes(ref)) return why;
    return ref === 'the requester' ? `${ref} ${why}` : `${ref}: ${why}`;
  });
  reasons.push(...said.slice(0, 5));
  if (said.length > 5) reasons.push(`and ${said.length - 5} more`);
  const because = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return `Nobody could be identified to approve the stage ${stage.title}${because}.`;
}

/** Opens the tasks of a stage that waits for its approvers, or of one that has lost some. */
function fillStage(
  transition: Transition,
  stage: Stage,
  { candidates, members }: Named,
  outcome: ApproversResolvedCommand['outcome'],
): void {
  const rule = ruleOf(transition, stage);
  const standing = peopleOf(stage);
  const everybody = new Set([...standing, ...candidates.map(({ person }) => person.id)]);
  const quorum = quorumOf(rule.quorum, [...everybody], members);
  if (everybody.size > 0 && couldBeMet(stage, quorum, candidates)) {
    if (stage.state === 'pending') startStage(transition, stage, quorum, candidates);
    else addPeople(transition, stage, quorum, candidates);
    settleStage(transition, stage.index, null);
    return;
  }
  const nobody = everybody.size === 0;
  const needed = quorum.reduce((sum, { approvals }) => sum + approvals, 0);
  const found = `only ${everybody.size} ${everybody.size === 1 ? 'approver was' : 'approvers were'} found`;
  const tooFew =
    typeof rule.quorum === 'object' && 'each' in rule.quorum
      ? `The stage ${stage.title} needs approvals of people who were not found.`
      : `The stage ${stage.title} needs ${needed} approvals, but ${found}.`;
  const detail = nobody ? whyNobody(transition, stage, outcome) : tooFew;
  noApprovers(transition, stage, { nobody, detail });
}

/** Takes an answer about people. One that the stage does not wait for (late, or given twice) changes nothing. */
export function approversResolved(
  command: ApproversResolvedCommand,
  state: RequestAggregate,
  env: DecideEnv,
): Decision {
  const waiting = state.stages.find(({ key }) => key === command.stageKey);
  const resolution = waiting?.resolutions.find(({ id }) => id === command.resolutionId);
  if (!waiting || !resolution) return NOTHING;

  const transition = new Transition(state, env, command.actor);
  const { key: stageKey, index: stageIndex } = waiting;
  transition.record('stage.resolved', { stageKey, stageIndex, resolutionId: resolution.id });
  const stage = transition.state.stages[stageIndex] ?? waiting;
  switch (resolution.purpose) {
    case 'start':
    case 'fallback':
    case 'refill':
      fillStage(
        transition,
        stage,
        namedBy(transition, stage, resolution, command.outcome.approvers),
        command.outcome,
      );
      break;
    case 'escalate': {
      const { candidates } = namedBy(transition, stage, resolution, command.outcome.approvers);
      escalate(transition, stage, resolution.escalation ?? 0, candidates);
      settleStage(transition, stageIndex, null);
      break;
    }
    case 'notify': {
      const people = command.outcome.approvers.map(({ person }) => person);
      transition.record('stage.notified', { stageKey, stageIndex, people });
      break;
    }
  }
  return transition.done();
}
