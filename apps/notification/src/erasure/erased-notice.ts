import type { HeldContent } from '../mail/mail-content';
import { renderHtml, renderText, type MailFrame } from '../mail/render-mail';
import { mailTexts } from '../mail/texts';

/** A mail of which nothing is left but that there was one. */
export interface Notice {
  subject: string;
  text: string;
  html: string;
  /** The same while it is held. */
  content: HeldContent;
}

/** Stands in for what was to be told about a request when what it said was erased. */
export const erasedNotice = (name: string, requestUrl: string, frame: MailFrame): Notice => {
  const texts = mailTexts[frame.language];
  const content: HeldContent = {
    subject: texts.erased.subject,
    greeting: texts.hello(name),
    sentences: [texts.erased.sentence],
    facts: [],
    summary: [],
    decisions: [],
    decide: null,
    links: [[texts.requestLink, requestUrl]],
    isQuestion: false,
  };
  return {
    subject: content.subject,
    text: renderText(content, frame),
    html: renderHtml(content, frame),
    content,
  };
};
