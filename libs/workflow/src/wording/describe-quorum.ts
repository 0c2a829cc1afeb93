import type { Quorum, RejectRule } from '../definition/workflow-definition';
import { describeSource } from './describe-source';
import { count, list, numeral } from './phrase';

/** What a stage needs, as a noun phrase to follow "needs": `one approval`, `the approval of everybody`. */
export function describeQuorum(quorum: Quorum): string {
  if (quorum === 'any') return count(1, 'approval');
  if (quorum === 'all') return 'the approval of everybody';
  if (quorum === 'majority') return 'the approval of more than half';
  if ('approvals' in quorum) return count(quorum.approvals, 'approval');
  if ('percent' in quorum) return `the approval of at least ${numeral(quorum.percent)} %`;
  return list(
    quorum.each.map(
      ({ approvals, ...source }) => `${count(approvals, 'approval')} by ${describeSource(source)}`,
    ),
  );
}

/** When rejections end a stage, to follow "ends as rejected": `after two rejections`. */
export function describeRejectRule(rule: RejectRule): string {
  if (rule === 'unreachable') return 'only once enough approvals are no longer possible';
  return `after ${count(rule === 'any' ? 1 : rule.rejections, 'rejection')}`;
}
