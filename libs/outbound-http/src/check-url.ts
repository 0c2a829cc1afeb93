import { isIP } from 'node:net';
import { type AllowList, isAddressAllowed, parseAllowList } from './allow-list';
import type { RefusalReason } from './outbound-result';

export interface UrlProblem {
  reason: Exclude<RefusalReason, 'invalid_request'>;
  /** A sentence for the owner of the URL. */
  detail: string;
}

/**
 * What is wrong with a URL before anything is resolved: its syntax, or a literal address that is not
 * allowed. A name may still lead to a forbidden address; every call checks that.
 * @param allow as in `parseAllowList`
 */
export function checkUrl(url: string, allow: string | AllowList): UrlProblem | null {
  const parsed = readUrl(url, typeof allow === 'string' ? parseAllowList(allow) : allow);
  return parsed instanceof URL ? null : parsed;
}

/** The URL, or why it may not be called. */
export function readUrl(text: string, allow: AllowList): URL | UrlProblem {
  if (!URL.canParse(text)) return { reason: 'invalid_url', detail: 'not an absolute URL' };
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { reason: 'scheme_not_allowed', detail: 'only http and https URLs can be called' };
  }
  if (url.username !== '' || url.password !== '') {
    return { reason: 'credentials_not_allowed', detail: 'a URL must not contain credentials' };
  }
  // WHATWG URL has already turned 2130706433, 0x7f.1, 0177.0.0.1 and the like into four decimal parts.
  const host = literalAddress(url.hostname);
  if (host !== null && !isAddressAllowed(host, allow)) {
    return { reason: 'address_not_allowed', detail: `the address ${host} is not public` };
  }
  return url;
}

/** The IP address when the host is one, without the brackets of IPv6; else null. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') && hostname.endsWith(']') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) ? bare : null;
}
