import { escapeHtml, readable } from '@countersign/reader';
import type { HeldContent } from './mail-content';
import { htmlBody, htmlPage, textBody, type MailFrame } from './render-mail';
import { mailTexts } from './texts';

/** Several mails as one. */
export interface DigestMail {
  subject: string;
  text: string;
  html: string;
}

/** Questions first; otherwise as they came. */
export const renderDigest = (name: string, parts: readonly HeldContent[], frame: MailFrame): DigestMail => {
  const texts = mailTexts[frame.language];
  const sorted = [...parts.filter((part) => part.isQuestion), ...parts.filter((part) => !part.isQuestion)];
  const questions = parts.filter((part) => part.isQuestion).length;
  const subject = texts.digest.subject(questions, parts.length - questions);
  const greeting = texts.hello(name);
  const text = sorted
    .map((part) => `${'='.repeat(60)}\n${part.subject}\n\n${textBody(part, frame.language)}`)
    .join('\n\n');
  const html = sorted
    .map(
      (part) =>
        `<hr style="border:0;border-top:1px solid #ccc;margin:24px 0"><h2 style="font-size:17px">${escapeHtml(part.subject)}</h2>${htmlBody(part, frame.language)}`,
    )
    .join('');
  return {
    subject,
    text: readable(
      `${greeting}\n\n${texts.digest.sentence}\n\n${text}\n\n-- \n${texts.sentBy(frame.workspace)}\n`,
    ),
    html: htmlPage(
      subject,
      `<p>${escapeHtml(greeting)}</p><p>${escapeHtml(texts.digest.sentence)}</p>${html}`,
      frame,
    ),
  };
};
