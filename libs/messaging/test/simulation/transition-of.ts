import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import type { Aggregate } from './application';

const at = '2026-11-21T09:00:00.000Z';
const somebody = { id: v7(), externalId: null, userName: 'a', displayName: 'A', email: null };
const workflow = { id: v7(), key: 'k', version: 1 };

/** A transition of a request to this state; what the simulation does not look at is always the same. */
export const transitionOf = (
  workspaceId: string,
  requestId: string,
  { version, entries }: Aggregate,
): JobData<'request.transitioned.v1'> => ({
  request: {
    id: requestId,
    workspaceId,
    workflow,
    state: 'pending_review',
    title: 't',
    reason: null,
    requester: somebody,
    externalRef: null,
    metadata: { entries },
    payloadRevision: 1,
    revision: 1,
    version,
    stageIndex: 0,
    totalStages: 1,
    overridden: false,
    stages: [],
    failure: null,
    createdAt: at,
    submittedAt: at,
    decidedAt: null,
    completedAt: null,
  },
  events: [],
  revisionPayload: null,
});
