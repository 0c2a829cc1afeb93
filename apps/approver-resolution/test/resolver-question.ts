import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';

type Question = JobData<'approvers.resolve.v1'>;

/** Asks who must approve, on behalf of somebody whom the directory need not know. */
export const resolverQuestion = (
  sources: Record<string, unknown>[],
  more: Partial<Question> = {},
): Question => ({
  resolutionId: v7(),
  requestId: v7(),
  stageKey: 'owner',
  stageIndex: 0,
  totalStages: 2,
  sources,
  exclude: [],
  title: 'Title',
  reason: 'Reason',
  requester: {
    id: '0197a1b2-0000-7000-8000-000000000001',
    externalId: null,
    userName: 'alice@test',
    displayName: 'Alice',
    email: null,
    department: null,
    region: null,
    approvalLimit: null,
    groups: [],
    manager: null,
  },
  payload: { value: { amount: 5, region: 'EMEA' } },
  ...more,
});
