import { Agent, errors, type Dispatcher } from 'undici';
import { parseAllowList } from './allow-list';
import { startCallClock } from './call-clock';
import { readUrl } from './check-url';
import { AddressNotAllowedError, ConnectionFailedError } from './connection-error';
import { type ConnectorFactory, guardedConnector } from './guarded-connector';
import type { FailureReason, OutboundResult } from './outbound-result';
import { readBody } from './read-body';
import { type Resolver, systemResolver } from './system-resolver';

export interface OutboundHttpOptions {
  /** Networks that may be called although they are not public: a comma list of CIDRs (`COUNTERSIGN_WEBHOOK_ALLOW`). */
  allow: string;
  resolver?: Resolver;
  connector?: ConnectorFactory;
  userAgent?: string;
  /** More calls to one origin at once wait for a free connection, inside their own timeout. */
  connectionsPerOrigin?: number;
}

export interface OutboundRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | Buffer;
  /** For the whole call, from the wait for a connection to the last byte of the body. */
  timeoutMs: number;
  /** What is beyond is not read. */
  maxResponseBytes: number;
  signal?: AbortSignal;
}

export interface OutboundHttp {
  /** Never rejects for anything that the URL, the network or the other side does. Redirects are not followed. */
  post(request: OutboundRequest): Promise<OutboundResult>;
  /** Lets running calls end, then closes all connections. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
// Below the 5 s after which Node.js servers close an idle connection, or a call would meet its end.
const KEEP_ALIVE_MS = 4_000;
const KEEP_ALIVE_MAX_MS = 30_000;

/** The one way to call an address that a customer gave. Throws `TypeError` for a malformed `allow`. */
export function createOutboundHttp(options: OutboundHttpOptions): OutboundHttp {
  const allow = parseAllowList(options.allow);
  const userAgent = options.userAgent ?? 'Countersign';
  const agent = new Agent({
    connect: guardedConnector(
      allow,
      options.resolver ?? systemResolver(),
      CONNECT_TIMEOUT_MS,
      options.connector,
    ),
    connections: options.connectionsPerOrigin ?? 8,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Each call has one clock of its own, in `post`.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });

  return {
    async post(request) {
      const url = readUrl(request.url, allow);
      if (!(url instanceof URL)) return { kind: 'refused', ...url };
      const startedAt = performance.now();
      const clock = startCallClock(request.timeoutMs, request.signal);
      let status: number | undefined;
      try {
        const response = await agent.request({
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: { 'user-agent': userAgent, ...lowerCased(request.headers) },
          body: request.body,
          signal: clock.signal,
        });
        status = response.statusCode;
        const body = await readBody(response.body, request.maxResponseBytes);
        return {
          kind: 'response',
          status,
          headers: joined(response.headers),
          ...body,
          latencyMs: since(startedAt),
        };
      } catch (error) {
        if (error instanceof AddressNotAllowedError) {
          return { kind: 'refused', reason: 'address_not_allowed', detail: error.message };
        }
        if (error instanceof errors.InvalidArgumentError) {
          return { kind: 'refused', reason: 'invalid_request', detail: error.message };
        }
        const [reason, detail] = explain(error, clock.ended());
        return {
          kind: 'failed',
          reason,
          detail,
          latencyMs: since(startedAt),
          ...(status !== undefined && { status }),
        };
      } finally {
        clock.stop();
      }
    },
    close: () => agent.close(),
  };
}

function explain(error: unknown, ended: 'timeout' | 'aborted' | null): readonly [FailureReason, string] {
  if (ended === 'timeout') return ['timeout', 'not complete in time'];
  if (
    ended === 'aborted' ||
    error instanceof errors.ClientClosedError ||
    error instanceof errors.ClientDestroyedError
  ) {
    return ['aborted', 'given up on our side'];
  }
  if (error instanceof ConnectionFailedError) return [error.reason, error.message];
  const { code, message } = error as NodeJS.ErrnoException;
  const protocol =
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError ||
    // An upgrade or an interim response that nobody asked for.
    (error instanceof errors.SocketError && message.startsWith('bad '));
  return [protocol ? 'protocol' : 'reset', message || code || 'the connection ended'];
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joined(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
