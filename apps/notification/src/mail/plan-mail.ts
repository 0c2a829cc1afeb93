import type { RequestTransitioned, TransitionEvent } from '@countersign/contracts';
import { oneLine, readerOf } from '@countersign/reader';
import { v7 } from 'uuid';
import type { Audience } from '../audience/audience';
import { personalChannels } from '../chat/plan-chat';
import { holdUntil } from '../preferences/hold-until';
import { preferencesFor } from '../preferences/preferences';
import type { Letter } from './letters';
import type { HeldContent } from './mail-content';
import type { MailSettings } from './mail.settings';
import { renderHtml, renderText } from './render-mail';
import { mailTexts } from './texts';

/** A link to decide with, as it is kept: without the token, which is made when the mail is sent. */
export interface KeptLink {
  id: string;
  taskId: string;
  /** Of the request, as the message shows it. */
  version: number;
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
  state: 'pending' | 'captured' | 'skipped' | 'held' | 'standby';
  error: string | null;
  /** The task that it asks about; null for news. */
  taskId: string | null;
  /** Present while it is held. */
  hold: { until: string; isGathered: boolean; content: HeldContent } | null;
}

/** One mailbox and nothing that a mail header would read as more than one. */
export const address = /^[^\s\p{Cc}@<>,;:"()[\]\\]{1,64}@[^\s\p{Cc}@<>,;:"()\\]{1,253}$/u;

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
    toldNow.flatMap(({ person, task, isUrgent, write }) => {
      const wants = preferencesFor(audience.preferences(workspaceId, person.id), request.workflow.key);
      const where = task ? wants.questions : wants.news;
      if (where === 'none') return [];
      // Who has no channel to be told in gets the mail, and so does whose channel turns out not to work.
      const channels = personalChannels(audience, workspaceId, person.id, request.workflow.key);
      const isStandby = where === 'chat' && channels.length > 0;
      const recipient = person.email !== null && address.test(person.email) ? person.email : null;
      if (isStandby && recipient === null) return [];
      const reader = readerOf(audience.reading(workspaceId, person.id), workspace);
      const held =
        recipient === null
          ? null
          : holdUntil({ ...wants, timezone: reader.timezone }, { isUrgent, dueAt: task?.dueAt ?? null }, now);
      // Good for as long as it says from when the mail goes.
      const sentAt = held?.until ?? now;
      const link =
        task && workspace.decisionLinks
          ? {
              id: v7(),
              taskId: task.id,
              version: request.version,
              expiresAt: new Date(sentAt.getTime() + workspace.decisionLinkDays * dayMs).toISOString(),
            }
          : null;
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
        state: isStandby ? 'standby' : stateOf(recipient, held !== null, smtpUrl),
        error: recipient === null ? 'no usable mail address' : null,
        taskId: task?.id ?? null,
        hold:
          held && !isStandby
            ? {
                until: held.until.toISOString(),
                isGathered: held.isGathered,
                content: { ...content, subject, isQuestion: task !== null },
              }
            : null,
      };
    }),
  );
};

const stateOf = (recipient: string | null, isHeld: boolean, smtpUrl: string | null): PlannedMail['state'] => {
  if (recipient === null) return 'skipped';
  if (isHeld) return 'held';
  return smtpUrl === null ? 'captured' : 'pending';
};
