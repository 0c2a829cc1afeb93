import type { IncomingMessage, ServerResponse } from 'node:http';
import { languageOf, tagsOf, type Language } from '@countersign/reader';
import type { Problem } from '@countersign/service-kit';

const sentences: Readonly<Record<Language, Readonly<Record<'later' | 'uncertain' | 'other', string>>>> = {
  en: {
    later: 'This page cannot be shown right now. Nothing was decided. Try again in a moment.',
    uncertain:
      'This page cannot be shown right now. Open the link from your message again in a moment: it shows whether your decision was taken.',
    other: 'There is no such page. Was the link copied in full?',
  },
  de: {
    later:
      'Diese Seite kann zurzeit nicht angezeigt werden. Es wurde nichts entschieden. Versuchen Sie es gleich noch einmal.',
    uncertain:
      'Diese Seite kann zurzeit nicht angezeigt werden. Öffnen Sie den Link aus Ihrer Nachricht gleich noch einmal: Dann sehen Sie, ob Ihre Entscheidung eingegangen ist.',
    other: 'Diese Seite gibt es nicht. Wurde der Link vollständig kopiert?',
  },
};

/** Writes a refusal of the gateway's own to whoever wanted to see the page of a decision link: a person, who reads no JSON. */
export const writeTrouble = (request: IncomingMessage, response: ServerResponse, problem: Problem): void => {
  const tags = tagsOf(request.headers['accept-language']);
  const language = tags.map(languageOf).find((one) => one !== null) ?? 'en';
  const sentence = sentences[language][kindOf(request, problem)];
  const body = Buffer.from(
    `<!doctype html>\n<html lang="${language}"><head><meta charset="utf-8">` +
      `<meta name="viewport" content="width=device-width, initial-scale=1"><title>Countersign</title></head>` +
      `<body><p>${sentence}</p></body></html>\n`,
  );
  response.writeHead(problem.status, {
    ...problem.extra.headers,
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    'content-language': language,
    'content-security-policy':
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
};

const kindOf = ({ method }: IncomingMessage, { status }: Problem): 'later' | 'uncertain' | 'other' => {
  if (status === 429) return 'later';
  if (status < 500) return 'other';
  // A service that gave no answer may have taken the decision all the same.
  return method === 'POST' ? 'uncertain' : 'later';
};
