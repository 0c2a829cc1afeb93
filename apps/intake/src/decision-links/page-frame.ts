import { createHash } from 'node:crypto';
import type { Answer } from '@countersign/service-kit';
import { escapeHtml, readable, type Language } from '@countersign/reader';

const style = `
:root { color-scheme: light dark; --line: #d5d8dd; --soft: #f4f6f8; --quiet: #5a6472; --accent: #0b5cad; --warn: #8a4b00; --warn-back: #fff4e5 }
@media (prefers-color-scheme: dark) {
  :root { --line: #444a53; --soft: #23272e; --quiet: #a9b2bf; --accent: #7ab8ff; --warn: #ffc27a; --warn-back: #3a2a12 }
}
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
header { color: var(--quiet); font-size: .9rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100%; table-layout: fixed; margin-bottom: 1.25rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; white-space: pre-wrap }
th { font-weight: normal; color: var(--quiet); width: 32% }
thead th { width: auto }
ul { padding-left: 1.2rem } li { overflow-wrap: anywhere; white-space: pre-wrap }
.notice { background: var(--soft); border-left: 4px solid var(--accent); padding: .75rem 1rem; margin: 1rem 0; overflow-wrap: anywhere }
.warning { background: var(--warn-back); border-left-color: var(--warn) }
.notice p { margin: .25rem 0 }
form { border: 1px solid var(--line); border-radius: 8px; padding: 0 1rem 1rem; margin-top: 2rem }
fieldset { border: 0; padding: 0; margin: 0 0 1rem } legend { font-size: 1.1rem; font-weight: bold; padding: 1rem 0 .5rem }
label { display: block; margin: .35rem 0 } .hint { color: var(--quiet); font-size: .9rem; display: block; margin-left: 1.9rem }
input[type=radio] { margin-right: .5rem; width: 1.1rem; height: 1.1rem; vertical-align: -2px }
select, textarea { font: inherit; width: 100%; padding: .5rem; border: 1px solid var(--line); border-radius: 6px; margin-top: .25rem; background: Canvas; color: CanvasText }
button { font: inherit; font-weight: bold; padding: .7rem 1.4rem; border: 0; border-radius: 6px; background: #0b5cad; color: #fff; cursor: pointer; margin-top: .75rem }
button:focus-visible, input:focus-visible, select:focus-visible, textarea:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.foot { color: var(--quiet); font-size: .85rem; margin-top: 1rem }
`;

const styleHash = createHash('sha256').update(style).digest('base64');

/**
 * Nothing runs, nothing is loaded, nobody frames it, it posts only to where it came from; where it came from, which is the
 * right to decide, is told to nobody and kept nowhere.
 */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow, noarchive',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface Page {
  status: number;
  language: Language;
  title: string;
  /** Of the workspace; empty when nobody knows it. */
  from: string;
  /** HTML. */
  body: string;
  /** Seconds after which the browser looks again. */
  lookAgain?: number;
}

/** The answer that shows a page. */
export const pageAnswer = ({ status, language, title, from, body, lookAgain }: Page): Answer => ({
  status,
  headers: { ...headers, 'content-language': language, ...(status === 503 ? { 'retry-after': '2' } : {}) },
  body: readable(
    `<!doctype html>\n<html lang="${language}"><head><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width, initial-scale=1">` +
      `<meta name="robots" content="noindex, nofollow"><meta name="format-detection" content="telephone=no">` +
      (lookAgain === undefined ? '' : `<meta http-equiv="refresh" content="${lookAgain}">`) +
      `<title>${escapeHtml(title)}</title><style>${style}</style></head>\n` +
      `<body><header>${escapeHtml(from || 'Countersign')}</header>\n<main>${body}</main></body></html>\n`,
  ),
});
