/** Of a mail (RFC 5322 §3.6.4). */
export const messageIdOf = (mailId: string, domain: string): string => `<${mailId}@${domain}>`;

/** What all mails of a request refer to, and so make one thread; null for a mail about no request. */
export const threadOf = (requestId: string | null, domain: string): string | null =>
  requestId === null ? null : `<request-${requestId}@${domain}>`;
