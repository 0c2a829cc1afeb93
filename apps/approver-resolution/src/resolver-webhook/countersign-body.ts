import type { Message } from '@countersign/messaging';
import canonicalize from 'canonicalize';

/** The request of the format `countersign`. It is the same for every attempt. */
export const countersignBody = (message: Message<'approvers.resolve.v1'>): string => {
  const { request, stage } = contentOf(message);
  const { requestId, resolutionId } = message.data;
  return JSON.stringify({ request: { id: requestId, ...request }, stage, resolutionId });
};

/**
 * All that is asked, but for the ids of this request and this resolution: whoever says for how long an answer holds has
 * answered this. Equal for equal JSON, whatever the order of members (RFC 8785).
 */
export const countersignQuestion = (message: Message<'approvers.resolve.v1'>): string =>
  canonicalize(contentOf(message)) ?? '';

const contentOf = ({ data }: Message<'approvers.resolve.v1'>) => {
  const { id, externalId, userName, displayName } = data.requester;
  return {
    request: {
      workflow: data.workflow ?? null,
      title: data.title,
      reason: data.reason,
      requester: { id, externalId, userName, displayName },
      externalRef: data.externalRef ?? null,
      metadata: data.metadata ?? {},
      payload: data.payload?.value ?? null,
    },
    stage: { key: data.stageKey, index: data.stageIndex, total: data.totalStages },
  };
};
