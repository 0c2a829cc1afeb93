import { escapeHtml, oneLine, readable, type Language } from '@countersign/reader';
import type { MailContent } from './mail-content';
import { mailTexts } from './texts';

/** What stands around what a mail says. */
export interface MailFrame {
  language: Language;
  /** Its name; empty when nobody knows it. */
  workspace: string;
}

const indent = (text: string): string => text.replaceAll('\n', '\n    ');

/** What a mail says between greeting and signature, as plain text. */
export const textBody = (
  { sentences, facts, summary, decisions, decide, links }: MailContent,
  language: Language,
): string => {
  const texts = mailTexts[language];
  const block = (lines: readonly (readonly [string, string])[]) =>
    lines.map(([label, value]) => `${oneLine(label)}: ${indent(value)}`).join('\n');
  const items = decisions.map((one) => `- ${indent(one)}`).join('\n');
  return [
    ...sentences,
    ...(decide ? [`${texts.decideLink}:\n${decide.url}\n\n${decide.hint}`] : []),
    block(facts),
    ...(summary.length > 0 ? [`${texts.requested}\n\n${block(summary)}`] : []),
    ...(decisions.length > 0 ? [`${texts.decisions}\n\n${items}`] : []),
    block(links),
  ].join('\n\n');
};

/** The plain text of a mail. */
export const renderText = (content: MailContent, { language, workspace }: MailFrame): string => {
  const signature = `-- \n${mailTexts[language].sentBy(workspace)}`;
  return readable(`${[content.greeting, textBody(content, language), signature].join('\n\n')}\n`);
};

// Many mail readers drop style sheets, and some know one of these two only.
const wrapping = 'overflow-wrap:anywhere;word-break:break-word';
const cell = `padding:4px 12px 4px 0;vertical-align:top;text-align:left;${wrapping}`;
const button =
  'display:inline-block;padding:10px 18px;background:#0b5cad;color:#ffffff;text-decoration:none;border-radius:4px;font-weight:bold';

const table = (rows: readonly (readonly [string, string])[]): string => {
  const lines = rows.map(
    ([label, value]) =>
      `<tr><th style="${cell};color:#555;font-weight:normal;min-width:80px">${escapeHtml(label)}</th>` +
      `<td style="${cell};white-space:pre-wrap">${escapeHtml(value)}</td></tr>`,
  );
  return `<table style="border-collapse:collapse">${lines.join('')}</table>`;
};

const heading = (text: string): string => `<h3 style="font-size:15px">${escapeHtml(text)}</h3>`;
const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`;

/** What a mail says between greeting and signature, as HTML. Everything that people wrote is escaped; links are ours alone. */
export const htmlBody = (
  { sentences, facts, summary, decisions, decide, links }: MailContent,
  language: Language,
): string => {
  const texts = mailTexts[language];
  const answer = decide
    ? `<p><a href="${escapeHtml(decide.url)}" style="${button}">${escapeHtml(texts.decideLink)}</a></p>` +
      `<p style="color:#555;font-size:12px">${escapeHtml(decide.hint)}</p>`
    : '';
  const details = summary.length > 0 ? heading(texts.requested) + table(summary) : '';
  const items = decisions.map((one) => `<li style="white-space:pre-wrap">${escapeHtml(one)}</li>`);
  const soFar = items.length > 0 ? `${heading(texts.decisions)}<ul>${items.join('')}</ul>` : '';
  const anchors = links
    .map(([label, url]) => `<p><a href="${escapeHtml(url)}">${escapeHtml(label)}</a></p>`)
    .join('');
  return `${sentences.map(paragraph).join('')}${answer}${table(facts)}${details}${soFar}${anchors}`;
};

/** A whole HTML mail around what it says. */
export const htmlPage = (subject: string, body: string, { language, workspace }: MailFrame): string =>
  readable(
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(subject)}</title></head>` +
      `<body style="font-family:sans-serif;font-size:14px;line-height:1.45;color:#222;background:#fff;max-width:640px;${wrapping}">${body}` +
      `<p style="color:#777">${escapeHtml(mailTexts[language].sentBy(workspace))}</p></body></html>`,
  );

/** The same as HTML. */
export const renderHtml = (content: MailContent, frame: MailFrame): string =>
  htmlPage(content.subject, paragraph(content.greeting) + htmlBody(content, frame.language), frame);
