import type { Liveness } from '@countersign/circuit-breaker';
import type { OutboundResult } from '@countersign/outbound-http';
import { durationToMs } from '@countersign/workflow';
import type { ResolverFormat } from '../resolution/approver-source';
import type { ResolverAnswer } from '../resolution/resolution-question';
import { shownUrl } from '../resolution/shown-url';
import type { CallTarget } from './resolver-call.store';

/** Limits of an answer (product §4). */
export const mostAnswerBytes = 1024 * 1024;
const mostRefs = 1_000;

/** What one call came to: an answer that counts, or one that may be better next time; `later` is no fault of theirs. */
export type CallOutcome =
  /** `ttlMs`: for how long the answer may be kept, in milliseconds; absent or 0: not at all. */
  | { kind: 'final'; answer: ResolverAnswer; ttlMs?: number }
  | { kind: 'again'; failure: string }
  | { kind: 'later'; waitMs: number };

/** A call that found no room, or was cut short by a shutdown, is taken up again after this long. */
export const giveUpDelayMs = 1_000;

/**
 * What a call says of its host: out of order when the connection or the answer fails or does not come, or when it says so
 * itself (5xx); whatever else it answers, it is there.
 */
export const livenessOf = (result: OutboundResult): Liveness => {
  switch (result.kind) {
    case 'refused':
      return 'unknown';
    case 'response':
      return result.status >= 500 ? 'down' : 'alive';
    case 'failed':
      if (result.reason === 'aborted') return 'unknown';
      return result.reason === 'protocol' ? 'alive' : 'down';
  }
};

/**
 * Reads what came of a call. Timeouts, connection errors, 429 and 5xx are worth another attempt; anything else but 200
 * with a list of ids is not.
 */
export const readOutcome = (result: OutboundResult, { url, format, timeoutMs }: CallTarget): CallOutcome => {
  const who = shownUrl(url);
  switch (result.kind) {
    case 'refused':
      return nobody(`${who} may not be called: ${result.detail}.`);
    case 'failed':
      return readFailure(result, who, timeoutMs);
    case 'response':
      return readResponse(result, who, format);
  }
};

const nobody = (failure: string): CallOutcome => ({ kind: 'final', answer: { failure } });

const readFailure = (
  { reason, detail }: OutboundResult & { kind: 'failed' },
  who: string,
  timeoutMs: number,
): CallOutcome => {
  switch (reason) {
    case 'timeout':
      return { kind: 'again', failure: `${who} did not answer within ${timeoutMs / 1_000} s.` };
    case 'dns':
    case 'connect':
    case 'tls':
    case 'reset':
      return { kind: 'again', failure: `${who} could not be reached: ${detail}.` };
    case 'protocol':
      return nobody(`${who} did not answer in HTTP: ${detail}.`);
    case 'aborted':
      return { kind: 'later', waitMs: giveUpDelayMs };
  }
};

const readResponse = (
  { status, body, truncated }: OutboundResult & { kind: 'response' },
  who: string,
  format: ResolverFormat,
): CallOutcome => {
  if (status === 429 || status >= 500) return { kind: 'again', failure: `${who} answered ${status}.` };
  if (status >= 300 && status < 400) return nobody(`${who} answered ${status}: redirects are not followed.`);
  if (status !== 200) return nobody(`${who} answered ${status} instead of 200.`);
  if (truncated) return nobody(`${who} answered with more than 1 MiB.`);
  const answer = parsed(body);
  if (answer === undefined) return nobody(`${who} answered with something that is not JSON.`);
  const told = tellsIn[format](answer);
  if (typeof told === 'string') return nobody(`${who} answered with ${told}.`);
  const { refs, ttlMs } = told;
  if (refs.length > mostRefs)
    return nobody(`${who} answered with ${refs.length} ids; ${mostRefs} are the most.`);
  if (refs.length === 0) return nobody(`${who} answered with an empty list.`);
  return { kind: 'final', answer: { refs }, ttlMs };
};

const isRefs = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((ref) => typeof ref === 'string');

interface Told {
  refs: string[];
  /** 0: not to be kept. */
  ttlMs: number;
}

/** What an answer tells, or what it is instead. */
const tellsIn: Record<ResolverFormat, (answer: unknown) => Told | string> = {
  easylife: (answer) => (isRefs(answer) ? { refs: answer, ttlMs: 0 } : 'something that is not a list of ids'),
  countersign: (answer) => {
    const { approvers, ttl } = (answer ?? {}) as { approvers?: unknown; ttl?: unknown };
    if (!isRefs(approvers)) return 'something that has no list of ids as "approvers"';
    if (ttl === undefined || ttl === null) return { refs: approvers, ttlMs: 0 };
    const ttlMs = typeof ttl === 'string' ? durationToMs(ttl) : null;
    return ttlMs === null ? 'a "ttl" that is not an ISO 8601 duration' : { refs: approvers, ttlMs };
  },
};

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
};
