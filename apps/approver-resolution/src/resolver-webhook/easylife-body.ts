import type { Message } from '@countersign/messaging';

/**
 * The request of "Assign approvers to an approval stage" in the EasyLife documentation: the payload's members at top
 * level, and beside them ours, which win. It is the same for every attempt.
 */
export const easyLifeBody = ({ workspaceId, data }: Message<'approvers.resolve.v1'>): string => {
  const payload = data.payload?.value;
  const members = typeof payload === 'object' && payload !== null && !Array.isArray(payload) ? payload : {};
  const requestorId = data.requester.externalId ?? data.requester.id;
  return JSON.stringify({
    ...members,
    title: data.title,
    reason: data.reason,
    requestorId,
    // The approvers of the stage, of whom there is none yet: the requester.
    participants: [requestorId],
    stage: data.stageIndex,
    totalStages: data.totalStages,
    state: 1,
    Key: data.resolutionId,
    TenantId: workspaceId,
  });
};
