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

/** What intake tells of who published a workflow, with a note. */
export const workflowPublished = (
  service: TestService,
  workspaceId: string,
  { workflowKey, userId, note, at }: { workflowKey: string; userId: string; note: string; at: string },
): Envelope<FactHappened> => {
  const fact: Fact = {
    id: v7(),
    type: 'workflow.published',
    at,
    actor: { type: 'user', id: userId, via: null },
    requestId: null,
    content: {
      workflow: workflowKey,
      workflowId: v7(),
      version: 1,
      definitionHash: 'ab',
      traceId: null,
      scheme: 'bearer',
    },
    personal: [{ subject: null, kind: 'words', data: { note } }],
  };
  return { ...service.message('fact.happened.v1', { facts: [fact] }), source: 'intake', workspaceId };
};
