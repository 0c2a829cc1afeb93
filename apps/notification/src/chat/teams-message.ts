import { readable, shorten, type Language } from '@countersign/reader';
import type { MailContent } from '../mail/mail-content';
import { mailTexts } from '../mail/texts';

/** Of a text, in characters; what does not fit into a message with these is cut shorter. */
const lengths = [500, 200, 100, 50, 20];
/** Teams takes 28 KB, with room for the token of a link. */
const mostBytes = 26_000;
const mostPairs = 40;
const longestTitle = 300;

/**
 * A run of text: unlike a TextBlock it knows no Markdown, so that what people wrote stays as they wrote it. `{{` would begin one of
 * the card's functions for dates.
 */
const runs =
  (longest: number) =>
  (text: string, more: Record<string, unknown> = {}) => ({
    type: 'TextRun',
    text: shorten(readable(text), longest).replaceAll('{{', '{\u200b{') || '–',
    ...more,
  });

const rich = (inlines: readonly object[], more: Record<string, unknown> = {}) => ({
  type: 'RichTextBlock',
  inlines,
  ...more,
});

/** A message with an adaptive card, for an incoming webhook of Teams or a workflow that takes one. */
export const teamsMessage = (content: MailContent, language: Language): string => {
  let message = '';
  for (const longest of lengths) {
    message = cardOf(content, language, longest);
    if (Buffer.byteLength(message) <= mostBytes) break;
  }
  return message;
};

const cardOf = (content: MailContent, language: Language, longest: number): string => {
  const texts = mailTexts[language];
  const run = runs(longest);
  const pair = ([label, value]: readonly [string, string]) =>
    rich([run(`${label}: `, { isSubtle: true }), run(value)], { spacing: 'Small' });
  const block = (pairs: readonly (readonly [string, string])[]) =>
    pairs.length > 0
      ? [{ type: 'Container', separator: true, items: pairs.slice(0, mostPairs).map(pair) }]
      : [];
  const open = (title: string, url: string) => ({ type: 'Action.OpenUrl', title, url });
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    lang: language,
    msteams: { width: 'Full' },
    body: [
      rich([run(content.subject, { weight: 'Bolder', size: 'Medium' })]),
      rich([run(content.sentences.join(' '))]),
      ...block(content.facts),
      ...block(content.summary),
      ...(content.decisions.length > 0
        ? [
            rich([run(texts.decisions, { weight: 'Bolder' })]),
            ...content.decisions.map((one) => rich([run(one)])),
          ]
        : []),
      ...(content.decide ? [rich([run(content.decide.hint, { isSubtle: true, size: 'Small' })])] : []),
    ],
    actions: [
      ...(content.decide ? [open(texts.decideLink, content.decide.url)] : []),
      ...content.links.slice(0, 2).map(([label, url]) => open(label, url)),
    ],
  };
  return JSON.stringify({
    type: 'message',
    summary: shorten(readable(content.subject), longestTitle),
    attachments: [
      { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card },
    ],
  });
};
