import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { identityHeader } from '@countersign/service-kit';
import { actorHeader } from './actor-header';

/** Headers of one connection, not of the message (RFC 9110 §7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a service must not see: secrets of the caller, and what only the gateway may say. */
const withheld = new Set(['authorization', 'cookie', 'host', 'expect', actorHeader, identityHeader]);

const listed = (connection: string | undefined): Set<string> =>
  new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));

export interface Hop {
  /** Host and port of the service. */
  host: string;
  /** Absent where the call needs no key. */
  identity?: string;
  traceparent: string;
  remoteAddress: string;
}

/** The headers of a call as the service gets them. */
export const forwardedHeaders = (headers: IncomingHttpHeaders, hop: Hop): OutgoingHttpHeaders => {
  const dropped = headers.connection ? listed(headers.connection) : null;
  const outgoing: OutgoingHttpHeaders = { host: hop.host };
  for (const name in headers) {
    // A body that is announced must stay announced, whatever the Connection header says.
    if (hopByHop.has(name) || withheld.has(name) || (dropped?.has(name) && name !== 'content-length'))
      continue;
    outgoing[name] = headers[name];
  }
  // Without this a GET or DELETE with a chunked body would leave it unframed on the connection: the next call of somebody else.
  if (headers['transfer-encoding'] !== undefined) {
    delete outgoing['content-length'];
    outgoing['transfer-encoding'] = 'chunked';
  }
  const before = headers['x-forwarded-for'];
  outgoing['x-forwarded-for'] =
    before === undefined ? hop.remoteAddress : `${String(before)}, ${hop.remoteAddress}`;
  outgoing['x-forwarded-proto'] ??= 'http';
  // HTTP/1.0 need not have one.
  if (headers.host !== undefined) outgoing['x-forwarded-host'] ??= headers.host;
  outgoing.traceparent = hop.traceparent;
  if (hop.identity !== undefined) outgoing[identityHeader] = hop.identity;
  return outgoing;
};

/** The headers of a service's answer as the caller gets them, in Node.js' flat form: names and values in turn. */
export const answeredHeaders = (rawHeaders: readonly string[]): string[] => {
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''];
    if (!hopByHop.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};
