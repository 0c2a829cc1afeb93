import type { ServiceName } from '@countersign/contracts';

/** Who answers a call, by the first two segments of its path. The gateway's own are those of its controllers. */
const owners: Record<string, ServiceName> = {
  '/v1/workspaces': 'gateway',
  '/v1/api-keys': 'gateway',
  '/v1/whoami': 'intake',
  '/v1/requests': 'intake',
  '/v1/tasks': 'intake',
  '/v1/commands': 'intake',
  '/v1/workflows': 'intake',
  '/v1/schemas': 'intake',
  '/v1/workspace-settings': 'intake',
  '/scim/v2': 'approver-resolution',
  '/v1/delegations': 'approver-resolution',
  '/v1/directory': 'intake',
  '/v1/approvers': 'approver-resolution',
  '/v1/resolver-secret': 'approver-resolution',
  '/v1/webhook-endpoints': 'notification',
  '/v1/deliveries': 'notification',
  '/v1/event-types': 'notification',
  '/v1/notification-preferences': 'notification',
  '/v1/chat-channels': 'notification',
  '/dev/mail': 'notification',
  '/dev/mail.json': 'notification',
  '/v1/audit': 'audit',
  '/v1/events': 'audit',
  '/v1/analytics': 'audit',
};

/** What services answer without a key: it holds no data, and editors that fetch it send none. */
const openPaths = new Map<string, ServiceName>([['/v1/schemas/workflow.json', 'intake']]);

/** Where links in messages lead: the token in the path is what vouches for the person. */
const decisionPath = /^\/decide\/([A-Za-z0-9_-]{1,200})$/;

/** The token in the path of a decision page; null for any other path. */
export const decisionTokenOf = (path: string): string | null => decisionPath.exec(path)?.[1] ?? null;

/** Whether a person with a link from a message wants this, however much of the link is left. */
export const isDecisionPath = (path: string): boolean => path === '/decide' || path.startsWith('/decide/');

/** The service that answers a call without a key; undefined for one that needs a key. */
export const openOwner = (method: string | undefined, path: string): ServiceName | undefined => {
  const isRead = method === 'GET' || method === 'HEAD';
  if (decisionTokenOf(path) !== null) return isRead || method === 'POST' ? 'intake' : undefined;
  return isRead ? openPaths.get(path) : undefined;
};

/** RFC 3986 §3.3: what a path may be made of. */
const pathCharacters = /^\/(?:[\w.~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*$/i;

/** The path of a request target in origin form (RFC 9112 §3.2.1), without the query. */
export const pathOf = (target: string): string => {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
};

/**
 * The service that answers a request target; null for one that nobody does, or that two parsers might read in two ways:
 * absolute form, empty and dot segments, separators or control characters in disguise.
 */
export const ownerOf = (target: string): ServiceName | null => {
  const path = pathOf(target);
  if (!pathCharacters.test(path) || target.includes('#')) return null;
  const segments = path.slice(1).split('/');
  const plain = segments.every(
    (segment, index) => isPlain(segment) || (segment === '' && index === segments.length - 1),
  );
  return plain ? (owners[`/${segments[0]}/${segments[1]}`] ?? null) : null;
};

const isPlain = (segment: string): boolean => {
  if (segment === '') return false;
  if (!segment.includes('%')) return segment !== '.' && segment !== '..';
  try {
    const text = decodeURIComponent(segment);
    return text !== '.' && text !== '..' && !/[/\\%\p{Cc}]/u.test(text);
  } catch {
    return false;
  }
};
