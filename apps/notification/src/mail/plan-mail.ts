import type { Person, RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { v7 } from 'uuid';
import { approvalNeeded, outcomeMails, type MailContent } from './mail-content';
import type { MailSettings } from './mail.settings';
import { renderHtml, renderText } from './render-mail';

export interface PlannedMail {
  id: string;
  workspaceId: string;
  eventId: string;
  personId: string;
  requestId: string;
  /** Null when the person has no usable address. */
  recipient: string | null;
  recipientName: string;
  subject: string;
  text: string;
  html: string;
  state: 'pending' | 'captured' | 'skipped';
  error: string | null;
}

/** One mailbox and nothing that a mail header would read as more than one. */
const address = /^[^\s\p{Cc}@<>,;:"()[\]\\]{1,64}@[^\s\p{Cc}@<>,;:"()\\]{1,253}$/u;

const longestSubject = 250;

/** The mails that a transition's events ask for: to approvers that they are asked, to the requester how it ended. */
export const planMails = (
  transition: Pick<RequestTransitioned, 'request' | 'events'>,
  payload: unknown,
  settings: Pick<MailSettings, 'smtpUrl' | 'publicUrl'>,
): PlannedMail[] =>
  transition.events.flatMap((event) => {
    const letter = letterOf(transition, event, payload, settings.publicUrl);
    if (!letter) return [];
    const { person } = letter;
    const content = { ...letter.content, subject: oneLine(letter.content.subject).slice(0, longestSubject) };
    const recipient = person.email !== null && address.test(person.email) ? person.email : null;
    return [
      {
        id: v7(),
        workspaceId: transition.request.workspaceId,
        eventId: event.id,
        personId: person.id,
        requestId: transition.request.id,
        recipient,
        recipientName: oneLine(person.displayName),
        subject: content.subject,
        text: renderText(content),
        html: renderHtml(content),
        ...(recipient === null
          ? { state: 'skipped' as const, error: 'no usable mail address' }
          : { state: settings.smtpUrl === null ? ('captured' as const) : ('pending' as const), error: null }),
      },
    ];
  });

/** Who did this themselves knows. */
const toldToOthersOnly = new Set(['request.returned', 'request.canceled']);

const letterOf = (
  { request }: Pick<RequestTransitioned, 'request'>,
  event: TransitionEvent,
  payload: unknown,
  publicUrl: string,
): { person: Person; content: MailContent } | null => {
  if (event.type === 'task.assigned') {
    for (const stage of request.stages) {
      const task = stage.tasks.find(({ id }) => id === event.taskId);
      if (task)
        return { person: task.assignee, content: approvalNeeded(request, stage, task, payload, publicUrl) };
    }
    return null;
  }
  const outcome = outcomeMails[event.type];
  if (!outcome) return null;
  const isOwn = event.actor.type === 'user' && event.actor.id === request.requester.id;
  if (isOwn && toldToOthersOnly.has(event.type)) return null;
  return { person: request.requester, content: outcome(request, event, payload, publicUrl) };
};

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
