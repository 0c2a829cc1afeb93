import { Problem } from '@countersign/service-kit';

export const actorHeader = 'countersign-actor';

/** The longest ref that SCIM lets in: a userName or externalId. */
const longest = 320;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Node.js reads header bytes as Latin-1; most clients send names that need more as UTF-8. */
const decode = (value: string): string => {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
};

/** The user ref that a call names as its actor; null without one. Throws Problem validation_failed. */
export const actorOf = (header: string | string[] | undefined): string | null => {
  if (header === undefined) return null;
  const actor = decode(Array.isArray(header) ? header.join(', ') : header).trim();
  if (actor.length >= 1 && actor.length <= longest) return actor;
  throw Problem.invalid([
    { pointer: '/header/countersign-actor', message: `Countersign-Actor has 1 to ${longest} characters.` },
  ]);
};
