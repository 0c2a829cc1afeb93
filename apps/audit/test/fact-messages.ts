import type { Envelope, Fact, FactHappened } from '@countersign/contracts';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';

/** What notification tells of a mail that it has sent about a request. */
export const mailEnded = (
  service: TestService,
  workspaceId: string,
  { requestId, userId, email, at }: { requestId: string; userId: string; email: string; at: string },
): Envelope<FactHappened> => {
  const fact: Fact = {
    id: v7(),
    type: 'mail.ended',
    at,
    actor: { type: 'system', id: null, via: null },
    requestId,
    workflowKey: null,
    content: {
      mailId: v7(),
      kind: 'news',
      eventId: v7(),
      userId,
      taskId: null,
      digestId: null,
      state: 'sent',
      attempts: 1,
    },
    personal: [{ subject: userId, kind: 'address', data: { email } }],
  };
  return {
    ...service.message('fact.happened.v1', { facts: [fact] }),
    source: 'notification',
    workspaceId,
  };
};
