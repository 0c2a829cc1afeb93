import type { Candidate, QuorumPart, RequestAggregate, Resolution, Stage } from '../aggregate';
import type { CompiledStage } from '../definition/compiled-definition';
import { resolvableSources, type LeftOut } from './approver-sources';
import { askedSources } from './asked-sources';
import type { ApproversResolvedCommand, ResolvedPerson } from './commands';
import { NOTHING, type DecideEnv, type Decision } from './decision';
import { escalate } from './escalate-stage';
import { addPeople, couldBeMet, startStage } from './fill-stage';
import { noApprovers } from './no-approvers';
import { candidateOf, doubtLateAnswer, handOver, unlessForbidden } from './delegations-changed';
import { MAX_PEOPLE, peopleOf, setAside, voterOf } from './open-tasks';
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

/** One entry a vote, with everything that was said of them. */
function onceEach(named: readonly ResolvedPerson[]): Candidate[] {
  const people = new Map<string, Candidate>();
  for (const one of named) {
    const candidate = candidateOf(one);
    const voter = voterOf(candidate);
    const why = [...new Set([...(people.get(voter)?.why ?? []), ...candidate.why])];
    people.set(voter, { ...candidate, why });
  }
  return [...people.values()];
}

function namedBy(
  transition: Transition,
  stage: Stage,
  { counts }: Resolution,
  named: readonly ResolvedPerson[],
): Named {
  const forbidden = forbiddenDeciders(transition, stage);
  const approvers = unlessForbidden(stage, named, forbidden);
  const requesterId = transition.state.requester.id;
  const within = (from: number, count: number) => (person: ResolvedPerson) =>
    person.sources.some((source) => source >= from && source < from + count);
  const asked = approvers.filter(within(0, counts.approvers));
  let from = counts.approvers;
  const members = counts.parts.map((count) => {
    const ids = approvers.filter(within(from, count)).map((one) => voterOf(candidateOf(one)));
    from += count;
    return ids;
  });
  const candidates = onceEach(asked);
  const place = candidates.findIndex(({ person }) => person.id === requesterId);
  if (counts.reroute > 0 && place >= 0) {
    const known = new Set(candidates.map(voterOf));
    const standIns = onceEach(approvers.filter(within(from, counts.reroute)));
    for (const ids of members) if (ids.includes(requesterId)) ids.push(...standIns.map(voterOf));
    const fresh = standIns.filter((candidate) => !known.has(voterOf(candidate)));
    const why = ['Stands in for the requester'];
    // In the requester's place in line, where the order counts.
    candidates.splice(place, 0, ...fresh.map((candidate) => ({ ...candidate, why })));
  }
  const isFit = (candidate: Candidate) =>
    !forbidden.has(candidate.person.id) && !forbidden.has(voterOf(candidate));
  return { candidates: candidates.filter(isFit), members };
}

/** Whom an answer leaves out and why: by the directory, by what the payload holds, and by the rules of the stage. */
function whoIsLeftOut(
  transition: Transition,
  stage: Stage,
  resolution: Resolution,
  outcome: ApproversResolvedCommand['outcome'],
): LeftOut[] {
  const context = { conditions: conditionContext(transition), requester: '', assignees: [] };
  const read = resolvableSources(askedSources(ruleOf(transition, stage), stage, resolution), context);
  const leftOut = [...outcome.skipped, ...(read.ok ? read.leftOut : [])];
  if (resolution.purpose === 'notify') return leftOut;
  const forbidden = forbiddenDeciders(transition, stage);
  for (const { person, onBehalfOf } of unlessForbidden(stage, outcome.approvers, forbidden)) {
    const unfit = forbidden.has(person.id) ? person : (onBehalfOf ?? person);
    const why = forbidden.get(unfit.id);
    if (!why) continue;
    const isRequester = unfit.id === transition.state.requester.id;
    leftOut.push({ ref: isRequester ? 'the requester' : unfit.displayName, why });
  }
  return leftOut;
}

/** Why nobody is there, in words for the requester. */
function whyNobody(stage: Stage, leftOut: readonly LeftOut[], note: string | null): string {
  const reasons: string[] = [];
  if (note) reasons.push(note.replace(/\.$/, ''));
  const said = leftOut.map(({ ref, why }) => {
    if (why.includes(ref)) return why;
    return ref === 'the requester' ? `${ref} ${why}` : `${ref}: ${why}`;
  });
  reasons.push(...said.slice(0, 5));
  if (said.length > 5) reasons.push(`and ${said.length - 5} more`);
  const because = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return `Nobody could be identified to approve the stage ${stage.title}${because}.`;
}

/**
 * The quorum of a stage with its people and the candidates. One that runs keeps whoever counts for a part already, and is
 * not raised because an escalation has added people.
 */
function quorumWith(
  rule: CompiledStage,
  stage: Stage,
  candidates: readonly Candidate[],
  members: readonly (readonly string[])[],
): QuorumPart[] {
  const everybody = new Set([...peopleOf(stage), ...candidates.map(voterOf)]);
  const counted = members.map((ids, index) => [...ids, ...(stage.quorum[index]?.people ?? [])]);
  const quorum = quorumOf(rule.quorum, [...everybody], counted);
  const isAddedTo = rule.escalate.some(
    ({ mode }, index) => mode === 'add' && stage.escalateAt[index] === null,
  );
  if (!isAddedTo) return quorum;
  return quorum.map((part, index) => ({
    ...part,
    approvals: Math.min(part.approvals, stage.quorum[index]?.approvals ?? part.approvals),
  }));
}

/** Opens the tasks of a stage that waits for its approvers, or of one that has lost some. */
function fillStage(
  transition: Transition,
  stage: Stage,
  { candidates: named, members }: Named,
  { leftOut, note }: { leftOut: readonly LeftOut[]; note: string | null },
): void {
  const rule = ruleOf(transition, stage);
  const everybody = new Set([...peopleOf(stage), ...named.map(voterOf)]);
  if (everybody.size > MAX_PEOPLE) {
    const detail = `The stage ${stage.title} would ask more than ${MAX_PEOPLE} people, which is as many as a stage asks.`;
    noApprovers(transition, stage, { nobody: false, detail });
    return;
  }
  const aside = setAside(stage);
  for (const candidates of [named.filter((candidate) => !aside.has(voterOf(candidate))), named]) {
    const quorum = quorumWith(rule, stage, candidates, members);
    const hasPeople = candidates.length > 0 || peopleOf(stage).size > 0;
    if (!hasPeople || !couldBeMet(stage, quorum, candidates)) continue;
    if (stage.state === 'pending') startStage(transition, stage, quorum, candidates);
    else addPeople(transition, stage, quorum, candidates);
    settleStage(transition, stage.index);
    return;
  }
  // Somebody else who left has been asked after as well: that answer is not known yet.
  if (stage.resolutions.some(({ purpose }) => purpose === 'refill' || purpose === 'fallback')) return;
  const quorum = quorumWith(rule, stage, named, members);
  const nobody = everybody.size === 0;
  const needed = quorum.reduce((sum, { approvals }) => sum + approvals, 0);
  const found = `only ${everybody.size} ${everybody.size === 1 ? 'approver was' : 'approvers were'} found`;
  const tooFew =
    typeof rule.quorum === 'object' && 'each' in rule.quorum
      ? `The stage ${stage.title} needs approvals of people who were not found.`
      : `The stage ${stage.title} needs ${needed} approvals, but ${found}.`;
  const detail = nobody ? whyNobody(stage, leftOut, note) : tooFew;
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
  const note = command.outcome.note ?? null;
  const leftOut = whoIsLeftOut(transition, waiting, resolution, command.outcome);
  const { id: resolutionId, purpose } = resolution;
  const { evidence = null } = command.outcome;
  transition.record('stage.resolved', {
    stageKey,
    stageIndex,
    resolutionId,
    purpose,
    leftOut,
    note,
    evidence,
  });
  const stage = transition.state.stages[stageIndex] ?? waiting;
  switch (purpose) {
    case 'start':
    case 'fallback':
    case 'refill':
      fillStage(transition, stage, namedBy(transition, stage, resolution, command.outcome.approvers), {
        leftOut,
        note,
      });
      doubtLateAnswer(transition, stageIndex, command);
      break;
    case 'escalate': {
      const { candidates } = namedBy(transition, stage, resolution, command.outcome.approvers);
      escalate(transition, stage, resolution.escalation ?? 0, candidates);
      settleStage(transition, stageIndex);
      doubtLateAnswer(transition, stageIndex, command);
      break;
    }
    case 'delegate': {
      const forbidden = forbiddenDeciders(transition, stage);
      const holders = unlessForbidden(stage, command.outcome.approvers, forbidden);
      handOver(transition, stage, holders.map(candidateOf));
      settleStage(transition, stageIndex);
      break;
    }
    case 'notify': {
      const people = command.outcome.approvers.slice(0, MAX_PEOPLE).map(({ person }) => person);
      transition.record('stage.notified', { stageKey, stageIndex, people });
      break;
    }
  }
  return transition.done();
}
