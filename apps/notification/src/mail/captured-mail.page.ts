import type { CapturedMail } from './captured-mail';
import { escapeHtml } from '@countersign/reader';

/** Nothing on the page may run or load anything, whatever a mail says. */
export const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const style = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
  h1 { font-size: 1.3rem }
  details { border: 1px solid #ddd; border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem }
  summary { cursor: pointer }
  summary span { color: #666; font-size: .85rem; margin-left: .5rem }
  pre { white-space: pre-wrap; font: 13px/1.5 ui-monospace, monospace; border-top: 1px solid #eee; padding-top: .5rem }`;

const entry = ({ subject, to, state, createdAt, text }: CapturedMail): string =>
  `<details><summary>${escapeHtml(subject)}<span>${escapeHtml(to ?? 'nobody')} · ${escapeHtml(createdAt)} · ${escapeHtml(state)}</span></summary>` +
  `<pre>${escapeHtml(text)}</pre></details>`;

/** The mails of a workspace as one page without scripts; the plain text of each. */
export const capturedMailPage = (workspace: string, mails: readonly CapturedMail[]): string => {
  const entries = mails.length > 0 ? mails.map(entry).join('\n') : '<p>No mail yet.</p>';
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>Mail · ${escapeHtml(workspace)}</title><style>${style}</style></head>\n` +
    `<body><h1>Mail of ${escapeHtml(workspace)}</h1>\n${entries}\n</body></html>\n`
  );
};
