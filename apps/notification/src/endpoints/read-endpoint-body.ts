import type { Violation } from '@countersign/contracts';
import { checkUrl, type AllowList } from '@countersign/outbound-http';
import { Problem, type Call } from '@countersign/service-kit';

const urlViolations = (url: unknown, allow: AllowList): Violation[] => {
  if (typeof url !== 'string') return [];
  if (/[\s\p{Cc}]/u.test(url))
    return [{ pointer: '/url', message: 'A URL has no spaces or control characters.' }];
  const problem = checkUrl(url, allow);
  if (problem) return [{ pointer: '/url', message: `This URL cannot be called: ${problem.detail}.` }];
  // What URL parsers mend, people read as another address than the one that is called.
  if (!/^[^\\/]+:\/\/[^\\/]/.test(url) || url.includes('\\'))
    return [{ pointer: '/url', message: 'A URL begins with https:// and a host, and has no backslashes.' }];
  return [];
};

/** The body with its `url` checked for what can be known before it is called. Throws Problem with all violations at once. */
export const readEndpointBody = async <T extends { url?: string }>(
  call: Call,
  type: new () => T,
  allow: AllowList,
): Promise<T> => {
  const raw = await call.json();
  const url = typeof raw === 'object' && raw !== null && 'url' in raw ? raw.url : undefined;
  const violations = urlViolations(url, allow);
  try {
    const body = await call.body(type);
    if (violations.length > 0) throw Problem.invalid(violations);
    return body;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'validation_failed') throw error;
    const others = (error.extra.errors ?? []).filter((one) => !violations.includes(one));
    throw Problem.invalid([...others, ...violations]);
  }
};
