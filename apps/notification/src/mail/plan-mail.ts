import type { RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { readerOf } from '@countersign/reader';
import { v7 } from 'uuid';
import type { Audience } from '../audience/audience';
import type { Letter } from './letters';
import type { MailSettings } from './mail.settings';
import { renderHtml, renderText } from './render-mail';
import { mailTexts } from './texts';

/** A link to decide with, as it is kept: without the token, which is made when the mail is sent. */
export interface KeptLink {
  id: string;
  taskId: string;
  revision: number;
  expiresAt: string;
}

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
  links: KeptLink[];
  state: 'pending' | 'captured' | 'skipped';
  error: string | null;
}

/** One mailbox and nothing that a mail header would read as more than one. */
const address = /^[^\s\p{Cc}@<>,;:"()[\]\\]{1,64}@[^\s\p{Cc}@<>,;:"()\\]{1,253}$/u;

const longestSubject = 250;

const dayMs = 24 * 3_600_000;

/** The mails of a transition's letters, one a person and event. */
export const planMails = (
  { request }: Pick<RequestTransitioned, 'request'>,
  letters: readonly { event: TransitionEvent; letters: readonly Letter[] }[],
  payload: unknown,
  { publicUrl, smtpUrl }: Pick<MailSettings, 'smtpUrl' | 'publicUrl'>,
  audience: Audience,
  now: Date,
): PlannedMail[] => {
  const { workspaceId } = request;
  const workspace = audience.workspace(workspaceId);
  return letters.flatMap(({ event, letters: toldNow }) =>
    toldNow.map(({ person, task, write }) => {
      const recipient = person.email !== null && address.test(person.email) ? person.email : null;
      const link =
        task && workspace.decisionLinks
          ? {
              id: v7(),
              taskId: task.id,
              revision: request.revision,
              expiresAt: new Date(now.getTime() + workspace.decisionLinkDays * dayMs).toISOString(),
            }
          : null;
      const reader = readerOf(audience.reading(workspaceId, person.id), workspace);
      const texts = mailTexts[reader.language];
      const content = write({ request, event, payload, publicUrl, reader, texts, link });
      const subject = oneLine(content.subject).slice(0, longestSubject).toWellFormed();
      const frame = { language: reader.language, workspace: workspace.name };
      return {
        id: v7(),
        workspaceId,
        eventId: event.id,
        personId: person.id,
        requestId: request.id,
        recipient,
        recipientName: oneLine(person.displayName),
        subject,
        text: renderText({ ...content, subject }, frame),
        html: renderHtml({ ...content, subject }, frame),
        links: link ? [link] : [],
        ...(recipient === null
          ? { state: 'skipped' as const, error: 'no usable mail address' }
          : { state: smtpUrl === null ? ('captured' as const) : ('pending' as const), error: null }),
      };
    }),
  );
};

const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
