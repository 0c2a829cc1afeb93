import type { AuthScheme } from '@countersign/contracts';

/** How the key of an Authorization header that has one comes. */
export const schemeOf = (authorization: string | undefined): AuthScheme =>
  /^basic /i.test(authorization ?? '') ? 'basic' : 'bearer';

/** The API key of an Authorization header: Bearer (RFC 6750) or the password of Basic (RFC 7617). Null when there is none. */
export const keyOf = (authorization: string | undefined): string | null => {
  const [, scheme, credentials] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (!scheme || !credentials) return null;
  if (scheme.toLowerCase() === 'bearer') return credentials;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 || colon === pair.length - 1 ? null : pair.slice(colon + 1);
};
