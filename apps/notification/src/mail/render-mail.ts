import { escapeHtml } from '@countersign/reader';
import type { MailContent } from './mail-content';

/** Control characters but for line ends and tabs: mail readers show them as anything, PostgreSQL refuses one of them. */
const clean = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '');

const indent = (text: string): string => text.replaceAll('\n', '\n    ');

/** The plain text of a mail. */
export const renderText = ({ greeting, sentences, facts, summary, links }: MailContent): string => {
  const block = (lines: readonly (readonly [string, string])[]) =>
    lines.map(([label, value]) => `${label}: ${indent(value)}`).join('\n');
  const parts = [
    greeting,
    ...sentences,
    block(facts),
    ...(summary.length > 0 ? [`What is requested\n\n${block(summary)}`] : []),
    block(links),
    '-- \nSent by Countersign',
  ];
  return clean(`${parts.join('\n\n')}\n`);
};

const cell = 'padding:4px 12px 4px 0;vertical-align:top;text-align:left';

const table = (rows: readonly (readonly [string, string])[]): string => {
  const lines = rows.map(
    ([label, value]) =>
      `<tr><th style="${cell};color:#555;font-weight:normal">${escapeHtml(label)}</th>` +
      `<td style="${cell};white-space:pre-wrap">${escapeHtml(value)}</td></tr>`,
  );
  return `<table style="border-collapse:collapse">${lines.join('')}</table>`;
};

/** The same as HTML. Everything that people wrote is escaped; links are ours alone. */
export const renderHtml = ({ subject, greeting, sentences, facts, summary, links }: MailContent): string => {
  const paragraphs = [greeting, ...sentences].map((text) => `<p>${escapeHtml(text)}</p>`).join('');
  const details =
    summary.length > 0 ? `<h3 style="font-size:15px">What is requested</h3>${table(summary)}` : '';
  const anchors = links
    .map(([label, url]) => `<p><a href="${escapeHtml(url)}">${escapeHtml(label)}</a></p>`)
    .join('');
  return clean(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>` +
      `<body style="font-family:sans-serif;font-size:14px;color:#222">${paragraphs}${table(facts)}${details}${anchors}` +
      `<p style="color:#777">Sent by Countersign</p></body></html>`,
  );
};
