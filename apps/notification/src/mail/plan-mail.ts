import type { RequestTransitioned } from '@countersign/contracts';
import { v7 } from 'uuid';
import { lettersOf } from './letters';
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
export const address = /^[^\s\p{Cc}@<>,;:"()[\]\\]{1,64}@[^\s\p{Cc}@<>,;:"()\\]{1,253}$/u;

const longestSubject = 250;

/** The mails that a transition's events ask for, one a person and event. */
export const planMails = (
  transition: Pick<RequestTransitioned, 'request' | 'events'>,
  payload: unknown,
  settings: Pick<MailSettings, 'smtpUrl' | 'publicUrl'>,
): PlannedMail[] =>
  lettersOf(transition, payload, settings.publicUrl).flatMap(({ event, letters }) =>
    letters.map(({ person, content: said }) => {
      const content = { ...said, subject: oneLine(said.subject).slice(0, longestSubject) };
      const recipient = person.email !== null && address.test(person.email) ? person.email : null;
      return {
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
      };
    }),
  );

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
