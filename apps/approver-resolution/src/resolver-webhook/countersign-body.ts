import type { Message } from '@countersign/messaging';

/** The request of the format `countersign`. It is the same for every attempt. */
export const countersignBody = ({ data }: Message<'approvers.resolve.v1'>): string => {
  const { id, externalId, userName, displayName } = data.requester;
  return JSON.stringify({
    request: {
      id: data.requestId,
      title: data.title,
      reason: data.reason,
      requester: { id, externalId, userName, displayName },
      payload: data.payload?.value ?? null,
    },
    stage: { key: data.stageKey, index: data.stageIndex, total: data.totalStages },
    resolutionId: data.resolutionId,
  });
};
