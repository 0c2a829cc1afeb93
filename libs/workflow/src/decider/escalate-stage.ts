import type { Candidate, QuorumPart, Stage } from '../aggregate';
import { closeOpenTasks } from './end-request';
import { explainQuorum } from './fill-stage';
import { askNext, openTask, peopleOf } from './open-tasks';
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

/**
 * Asks the people of an escalation as well, or instead of those who have not answered. `add` does not change how many must
 * approve; `replace` counts anew among whoever is left, and asks for no more approvals than they could give: an escalation
 * ends nothing by itself. When it names nobody new, everything stays as it is.
 */
export function escalate(
  transition: Transition,
  stage: Stage,
  escalation: number,
  candidates: readonly Candidate[],
): void {
  const rule = ruleOf(transition, stage);
  const mode = rule.escalate[escalation]?.mode ?? 'add';
  const known = peopleOf(stage);
  const fresh = candidates.filter(({ person }) => !known.has(person.id));
  if (fresh.length === 0) return;
  const { key: stageKey, index: stageIndex } = stage;
  const ids = fresh.map(({ person }) => person.id);
  const to = fresh.map(({ person }) => person);
  for (const task of stage.tasks) {
    if (task.state === 'open') transition.record('task.escalated', { task, mode, to });
  }
  let quorum = withStandIns(stage.quorum, ids);
  let count = known.size + fresh.length;
  let queue: readonly Candidate[] = [];
  if (mode === 'replace') {
    if (stage.queue.length > 0) transition.record('stage.queue_changed', { stageKey, stageIndex, queue: [] });
    closeOpenTasks(transition, stage, 'reassigned');
    const left = transition.state.stages[stageIndex] ?? stage;
    const everybody = [...peopleOf(left), ...ids];
    count = everybody.length;
    quorum = quorumOf(
      rule.quorum,
      everybody,
      quorum.map(({ people }) => people ?? []),
    ).map((part) => ({
      ...part,
      approvals: Math.min(part.approvals, approvalsPossible({ ...left, queue: [...fresh] }, part)),
    }));
    if (rule.order === 'sequential') queue = fresh;
  }
  const explanation = explainQuorum(rule, quorum, count);
  transition.record('stage.quorum_changed', { stageKey, stageIndex, quorum, explanation });
  if (queue.length > 0) {
    transition.record('stage.queue_changed', { stageKey, stageIndex, queue: [...queue] });
    askNext(transition, stageIndex);
  } else for (const candidate of fresh) openTask(transition, stage, candidate);
}
