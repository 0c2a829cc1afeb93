import type { Candidate, QuorumPart, Stage } from '../aggregate';
import type { CompiledStage } from '../definition/compiled-definition';
import { askApprovers } from './ask-approvers';
import { askNext, openTask, peopleOf, voterOf } from './open-tasks';
import { isQuorumReachable } from './quorum';
import { dueAt, ruleOf, timeAfter } from './stage-rule';
import type { Transition } from './transition';

const people = (count: number) => `${count} ${count === 1 ? 'approver' : 'approvers'}`;

function nameOfPart(part: Record<string, unknown>): string {
  const ref = part.group ?? part.role ?? part.user;
  if (typeof ref === 'string') return ref;
  return (ref as { field?: string } | undefined)?.field ?? '';
}

/** How many must approve, in words. */
export function explainQuorum(rule: CompiledStage, quorum: readonly QuorumPart[], count: number): string {
  if (typeof rule.quorum === 'object' && 'each' in rule.quorum) {
    const parts = rule.quorum.each.map(
      (part, index) => `${part.approvals} of ${quorum[index]?.people?.length ?? 0} in ${nameOfPart(part)}`,
    );
    return `${parts.join(' and ')} must approve.`;
  }
  const order = rule.order === 'sequential' && count > 1 ? ', one after another' : '';
  return `${quorum[0]?.approvals ?? 0} of ${people(count)} must approve${order}.`;
}

/** Starts a stage whose approvers are known. */
export function startStage(
  transition: Transition,
  stage: Stage,
  quorum: QuorumPart[],
  candidates: readonly Candidate[],
): void {
  const rule = ruleOf(transition, stage);
  const { now, payload } = transition.env;
  const { key: stageKey, index: stageIndex } = stage;
  const standing = peopleOf(stage);
  const fresh = candidates.filter((candidate) => !standing.has(voterOf(candidate)));
  const oneByOne = rule.order === 'sequential';
  transition.record('request.stage_started', {
    stageKey,
    stageIndex,
    quorum,
    explanation: explainQuorum(rule, quorum, standing.size + fresh.length),
    dueAt: dueAt(rule, now, payload),
    escalateAt: rule.escalate.map(({ after }) => timeAfter(rule, now, after)),
    expireAt: rule.expire && timeAfter(rule, now, rule.expire.after),
    queue: oneByOne ? fresh : [],
  });
  if (oneByOne) askNext(transition, stageIndex);
  else for (const candidate of fresh) openTask(transition, stage, candidate);
  if (rule.notify.length > 0) {
    const running = transition.state.stages[stageIndex] ?? stage;
    askApprovers(transition, running, { purpose: 'notify' });
  }
}

/** Asks more people in a stage that runs; those who are asked already are not asked twice. */
export function addPeople(
  transition: Transition,
  stage: Stage,
  quorum: QuorumPart[],
  candidates: readonly Candidate[],
): void {
  const rule = ruleOf(transition, stage);
  const { key: stageKey, index: stageIndex } = stage;
  const known = peopleOf(stage);
  const fresh = candidates.filter((candidate) => !known.has(voterOf(candidate)));
  const explanation = explainQuorum(rule, quorum, known.size + fresh.length);
  transition.record('stage.quorum_changed', { stageKey, stageIndex, quorum, explanation });
  if (rule.order === 'sequential') {
    if (fresh.length > 0) {
      const queue = [...stage.queue, ...fresh];
      transition.record('stage.queue_changed', { stageKey, stageIndex, queue });
    }
    askNext(transition, stageIndex);
  } else for (const candidate of fresh) openTask(transition, stage, candidate);
}

/** Whether `quorum` could be met by the stage's people and `candidates`. */
export function couldBeMet(stage: Stage, quorum: QuorumPart[], candidates: readonly Candidate[]): boolean {
  return isQuorumReachable({ ...stage, quorum, queue: [...stage.queue, ...candidates] });
}
