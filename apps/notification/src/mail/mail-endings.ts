import type { Ending } from '../trail/record-endings';

/** A mail that is over. */
export interface EndedMail extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  event_id: string;
  person_id: string;
  request_id: string | null;
  task_id: string | null;
  digest_id: string | null;
  recipient: string | null;
  state: 'sent' | 'failed' | 'captured' | 'skipped' | 'gathered';
  tries: number;
}

/** Of a table named `e`. */
export const mailColumns =
  'e.id, e.workspace_id, e.event_id, e.person_id, e.request_id, e.task_id, e.digest_id, e.recipient, e.state, e.tries';

export const mailEndingOf = (mail: EndedMail): Ending => ({
  workspaceId: mail.workspace_id,
  fact: {
    type: 'mail.ended',
    requestId: mail.request_id,
    content: {
      mailId: mail.id,
      kind: kindOf(mail),
      eventId: mail.event_id,
      userId: mail.person_id,
      taskId: mail.task_id,
      digestId: mail.digest_id,
      state: mail.state === 'failed' ? 'exhausted' : mail.state,
      attempts: mail.tries,
    },
    personal:
      mail.recipient === null
        ? []
        : [{ subject: mail.person_id, kind: 'address', data: { email: mail.recipient } }],
  },
});

/** A digest is its own event; what is about an endpoint is about no request. */
const kindOf = ({
  id,
  event_id,
  request_id,
  task_id,
}: EndedMail): 'question' | 'news' | 'digest' | 'notice' => {
  if (event_id === id) return 'digest';
  if (request_id === null) return 'notice';
  return task_id === null ? 'news' : 'question';
};
