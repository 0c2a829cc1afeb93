import { readable, shorten, type Language } from '@countersign/reader';
import type { MailContent } from '../mail/mail-content';
import { mailTexts } from '../mail/texts';

/** Slack takes these three for its own markup, in every text (https://api.slack.com/reference/surfaces/formatting#escaping). */
const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character);

/** Escaping makes a text longer; cut before it, so that no entity is cut. */
const fitting = (text: string, longest: number): string => {
  for (let length = longest - 1; length > 0; length = Math.floor(length * 0.8)) {
    const fits = escaped(shorten(readable(text), length));
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

/** Of Block Kit: at most ten fields a section, and 50 blocks. */
const fieldsInSection = 10;
const mostFields = 100;
const mostDecisions = 20;
/** The same, in characters. */
const longest = { header: 150, section: 3_000, field: 2_000, button: 75, context: 2_000 };

/** A message for an incoming webhook of Slack, or of what understands its blocks. */
export const slackMessage = (content: MailContent, language: Language): string => {
  const texts = mailTexts[language];
  const field = ([label, value]: readonly [string, string]) => plain(`${label}\n${value}`, longest.field);
  const fields = (pairs: readonly (readonly [string, string])[]) => {
    const all = pairs.slice(0, mostFields).map(field);
    const sections = Math.ceil(all.length / fieldsInSection);
    return Array.from({ length: sections }, (_, index) => ({
      type: 'section',
      fields: all.slice(index * fieldsInSection, (index + 1) * fieldsInSection),
    }));
  };
  const said = (text: string) => ({ type: 'section', text: plain(text, longest.section) });
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
      said(content.sentences.join(' ')),
      ...fields(content.facts),
      ...fields(content.summary),
      ...(content.decisions.length > 0 ? [said(texts.decisions)] : []),
      ...content.decisions.slice(-mostDecisions).map((one) => said(`• ${one}`)),
      ...(buttons.length > 0 ? [{ type: 'actions', elements: buttons }] : []),
      ...(content.decide
        ? [{ type: 'context', elements: [plain(content.decide.hint, longest.context)] }]
        : []),
    ],
  });
};
