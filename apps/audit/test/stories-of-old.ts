import type { Envelope, RequestTransitioned } from '@countersign/contracts';
import { messageOf, storyOf, type Story } from './transitions';

/** The story as it would have been so many days ago. */
export const storyOfOld = (workspaceId: string, daysAgo: number, workflowKey?: string): Story => {
  const { requestId, messages } = storyOf(workspaceId, workflowKey);
  const shift = (at: string): string => new Date(Date.parse(at) - daysAgo * 86_400_000).toISOString();
  return {
    requestId,
    messages: messages.map(({ data }): Envelope<RequestTransitioned> =>
      messageOf(workspaceId, {
        ...data,
        events: data.events.map((event) => ({ ...event, at: shift(event.at) })),
      }),
    ),
  };
};
