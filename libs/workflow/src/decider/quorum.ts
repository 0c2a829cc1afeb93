import type { Quorum } from '../definition/workflow-definition';
import type { Stage } from '../aggregate';

/** How many of `people` must approve. May exceed `people`: such a quorum can never be met. */
export function approvalsNeeded(quorum: Quorum, people: number): number {
  if (quorum === 'any') return 1;
  if (quorum === 'all') return people;
  if (quorum === 'majority') return Math.floor(people / 2) + 1;
  if ('approvals' in quorum) return quorum.approvals;
  return Math.max(1, Math.ceil((people * quorum.percent) / 100));
}

/** The approvals that a stage has: a person counts once, however many tasks they decided. */
export function approvalsReceived(stage: Stage): number {
  return new Set(stage.tasks.filter((task) => task.state === 'approved').map((task) => task.decidedBy?.id))
    .size;
}

/** The rejections that a stage has, counted likewise. */
export function rejectionsReceived(stage: Stage): number {
  return new Set(stage.tasks.filter((task) => task.state === 'rejected').map((task) => task.decidedBy?.id))
    .size;
}
