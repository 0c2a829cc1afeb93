import type { Candidate, QuorumPart, Stage } from '../aggregate';
import type { CompiledStage } from '../definition/compiled-definition';
import { explainQuorum } from './fill-stage';
import { askNext, MAX_PEOPLE, openTask, peopleOf, voterOf, voterOfTask } from './open-tasks';
import { approvalsPossible, quorumOf } from './quorum';
import { ruleOf } from './stage-rule';
import type { Transition } from './transition';

/** Those who were asked because of an escalation may stand in for anybody: they count for every part of the quorum. */
function withStandIns(quorum: readonly QuorumPart[], ids: readonly string[]): QuorumPart[] {
  return quorum.map(({ approvals, people }) => ({
    approvals,
    people: people && [...new Set([...people, ...ids])],
  }));
}

/** Takes their tasks from all who have not answered, but for those whom the escalation names itself. */
function replaceOthers(transition: Transition, stage: Stage, named: ReadonlySet<string>): void {
  const { key: stageKey } = stage;
  for (const task of stage.tasks) {
    if (task.state !== 'open' || named.has(voterOfTask(task))) continue;
    transition.record('task.closed', { taskId: task.id, stageKey, state: 'reassigned' });
  }
}

/** The quorum counted anew, among whoever is left and the new ones: no more approvals than they could give. */
function quorumAmong(
  rule: CompiledStage,
  left: Stage,
  quorum: readonly QuorumPart[],
  fresh: readonly Candidate[],
): QuorumPart[] {
  const everybody = [...peopleOf(left), ...fresh.map(voterOf)];
  const members = quorum.map(({ people }) => people ?? []);
  return quorumOf(rule.quorum, everybody, members).map((part) => ({
    ...part,
    approvals: Math.min(part.approvals, approvalsPossible({ ...left, queue: [...fresh] }, part)),
  }));
}

/**
 * Asks the people of an escalation as well, or instead of those who have not answered; who waited for their turn is asked
 * now. `add` does not change how many must approve; `replace` counts anew: an escalation ends nothing by itself. When it
 * names nobody who is not asked already, everything stays as it is. Of too many the first are asked.
 */
export function escalate(
  transition: Transition,
  stage: Stage,
  escalation: number,
  candidates: readonly Candidate[],
): void {
  const rule = ruleOf(transition, stage);
  const mode = rule.escalate[escalation]?.mode ?? 'add';
  const asked = peopleOf({ ...stage, queue: [] });
  const fresh = candidates
    .filter((candidate) => !asked.has(voterOf(candidate)))
    .slice(0, Math.max(0, MAX_PEOPLE - asked.size));
  if (fresh.length === 0) return;
  const { key: stageKey, index: stageIndex } = stage;
  const to = fresh.map(({ person }) => person);
  const ids = fresh.map(voterOf);
  for (const task of stage.tasks) {
    if (task.state === 'open') transition.record('task.escalated', { task, mode, to });
  }
  let quorum = withStandIns(stage.quorum, ids);
  let queue = stage.queue.filter((candidate) => !ids.includes(voterOf(candidate)));
  if (mode === 'replace') {
    replaceOthers(transition, stage, new Set(candidates.map(voterOf)));
    const left = { ...(transition.state.stages[stageIndex] ?? stage), queue: [] };
    quorum = quorumAmong(rule, left, quorum, fresh);
    queue = rule.order === 'sequential' ? [...fresh] : [];
  }
  if (queue.length > 0 || stage.queue.length > 0) {
    transition.record('stage.queue_changed', { stageKey, stageIndex, queue });
  }
  const left = peopleOf(transition.state.stages[stageIndex] ?? stage);
  const explanation = explainQuorum(rule, quorum, new Set([...left, ...ids]).size);
  transition.record('stage.quorum_changed', { stageKey, stageIndex, quorum, explanation });
  if (mode === 'replace' && rule.order === 'sequential') askNext(transition, stageIndex);
  else for (const candidate of fresh) openTask(transition, stage, candidate);
}
