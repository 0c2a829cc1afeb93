import type { QuorumPart, Stage } from '../aggregate';
import type { CompiledStage } from '../definition/compiled-definition';
import { voterOf, voterOfTask } from './open-tasks';

/** Decimal fractions are not exact in binary: 4.4 % of 750 are 33, and not a hair more. */
const HAIR = 1e-9;

/**
 * What a quorum amounts to among `people`: `members` are those of each part of `each`. A part may ask for more than there
 * are; such a quorum can never be met.
 */
export function quorumOf(
  quorum: CompiledStage['quorum'],
  people: readonly string[],
  members: readonly (readonly string[])[],
): QuorumPart[] {
  const all = (approvals: number): QuorumPart[] => [{ approvals, people: null }];
  if (quorum === 'any') return all(1);
  if (quorum === 'all') return all(people.length);
  if (quorum === 'majority') return all(Math.floor(people.length / 2) + 1);
  if ('approvals' in quorum) return all(quorum.approvals);
  if ('percent' in quorum) return all(Math.max(1, Math.ceil((people.length * quorum.percent) / 100 - HAIR)));
  const asked = new Set(people);
  return quorum.each.map(({ approvals }, index) => ({
    approvals,
    people: (members[index] ?? []).filter((id) => asked.has(id)),
  }));
}

/** Whoever gives it, a vote counts where the person does whose it is. */
function countsFor({ people }: QuorumPart, voter: string): boolean {
  return people === null || people.includes(voter);
}

/** Who has approved for a part: a person counts once, however many tasks they decided. */
function approversFor(stage: Stage, part: QuorumPart): Set<string> {
  const approvers = new Set<string>();
  for (const task of stage.tasks) {
    if (task.state === 'approved' && task.decidedBy && countsFor(part, voterOfTask(task)))
      approvers.add(task.decidedBy.id);
  }
  return approvers;
}

/** How many approvals the stage needs: 0 until its approvers are known. */
export function approvalsNeeded(stage: Stage): number {
  return stage.quorum.reduce((sum, { approvals }) => sum + approvals, 0);
}

/** How many of those it has. */
export function approvalsReceived(stage: Stage): number {
  return stage.quorum.reduce(
    (sum, part) =>
      sum +
      (stage.quorum.length === 1
        ? approversFor(stage, part).size
        : Math.min(part.approvals, approversFor(stage, part).size)),
    0,
  );
}

/** How many people have rejected. */
export function rejectionsReceived(stage: Stage): number {
  return new Set(
    stage.tasks.filter(({ state }) => state === 'rejected').map(({ decidedBy }) => decidedBy?.id),
  ).size;
}

export function isQuorumMet(stage: Stage): boolean {
  return stage.quorum.every((part) => approversFor(stage, part).size >= part.approvals);
}

/**
 * How many people beside `taken` could answer one question each: a question under a delegation is for either of two. The
 * largest matching, by augmenting paths.
 */
function mostVoters(taken: ReadonlySet<string>, questions: readonly string[][]): number {
  const answers = new Map<string, string[]>();
  const find = (question: string[], seen: Set<string>): boolean =>
    question.some((id) => {
      if (taken.has(id) || seen.has(id)) return false;
      seen.add(id);
      const other = answers.get(id);
      if (other && !find(other, seen)) return false;
      answers.set(id, question);
      return true;
    });
  for (const question of questions) find(question, new Set());
  return answers.size;
}

/** How many approvals a part has or could still get. */
export function approvalsPossible(stage: Stage, part: QuorumPart): number {
  const approvers = approversFor(stage, part);
  const open = stage.tasks.filter((task) => task.state === 'open' && countsFor(part, voterOfTask(task)));
  const queue = stage.queue.filter((candidate) => countsFor(part, voterOf(candidate)));
  const questions = [
    ...open.map(({ assignee, onBehalfOf }) => [assignee.id, ...(onBehalfOf ? [onBehalfOf.id] : [])]),
    ...queue.map(({ person, onBehalfOf }) => [person.id, ...(onBehalfOf ? [onBehalfOf.id] : [])]),
  ];
  return approvers.size + mostVoters(approvers, questions);
}

/** False once too few are left who could still approve. */
export function isQuorumReachable(stage: Stage): boolean {
  return stage.quorum.every((part) => approvalsPossible(stage, part) >= part.approvals);
}
