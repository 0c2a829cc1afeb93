import { shorten, type Language } from '@countersign/reader';
import type { MailContent } from '../mail/mail-content';
import { mailTexts } from '../mail/texts';

/** Slack takes these three for its own markup, in every text (https://api.slack.com/reference/surfaces/formatting#escaping). */
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character);

/** Escaping makes a text longer; cut before it, so that no entity is cut. */
const fitting = (text: string, longest: number): string => {
  for (let length = longest - 1; length > 0; length = Math.floor(length * 0.8)) {
    const fits = escaped(shorten(text.replaceAll('\0', ''), length));
    if (fits.length <= longest) return fits || '–';
  }
  return '…';
};

/** Text without any markup: what people wrote stays as they wrote it. */
const plain = (text: string, longest: number) => ({
  type: 'plain_text',
  text: fitting(text, longest),
  emoji: false,
});

/** Of Block Kit: at most ten fields a section. */
const mostLines = 10;
/** The same, in characters. */
const longest = { header: 150, section: 3_000, field: 2_000, button: 75, context: 2_000 };

/** A message for an incoming webhook of Slack, or of what understands its blocks. */
export const slackMessage = (content: MailContent, language: Language): string => {
  const texts = mailTexts[language];
  const field = ([label, value]: readonly [string, string]) => plain(`${label}\n${value}`, longest.field);
  const fields = (pairs: readonly (readonly [string, string])[]) =>
    pairs.length > 0 ? [{ type: 'section', fields: pairs.slice(0, mostLines).map(field) }] : [];
  const buttons = [
    ...(content.decide ? [{ text: texts.decideLink, url: content.decide.url, style: 'primary' }] : []),
    ...content.links.slice(0, 2).map(([label, url]) => ({ text: label, url })),
  ].map(({ text, ...rest }, index) => ({
    type: 'button',
    action_id: `link-${index}`,
    text: plain(text, longest.button),
    ...rest,
  }));
  return JSON.stringify({
    // Of notifications, and of clients that know no blocks.
    text: fitting(content.subject, 300),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(content.subject, longest.header) },
      { type: 'section', text: plain(content.sentences.join(' '), longest.section) },
      ...fields(content.facts),
      ...fields(content.summary),
      ...(buttons.length > 0 ? [{ type: 'actions', elements: buttons }] : []),
      ...(content.decide
        ? [{ type: 'context', elements: [plain(content.decide.hint, longest.context)] }]
        : []),
    ],
  });
};
