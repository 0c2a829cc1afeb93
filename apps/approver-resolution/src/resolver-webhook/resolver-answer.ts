import type { OutboundResult } from '@countersign/outbound-http';
import { durationToMs } from '@countersign/workflow';
import type { ResolverFormat } from '../resolution/approver-source';
import type { ResolverAnswer } from '../resolution/resolution-question';
import { shownUrl } from '../resolution/shown-url';
import type { CallTarget } from './resolver-call.store';

/** Limits of an answer (product §4). */
export const mostAnswerBytes = 1024 * 1024;
const mostRefs = 1_000;

/** What one call came to: an answer that counts, or one that may be better next time; `given up` is on our side. */
export type CallOutcome =
  { kind: 'final'; answer: ResolverAnswer } | { kind: 'again'; failure: string } | { kind: 'given up' };

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
      return { kind: 'given up' };
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
  const refs = refsIn[format](answer);
  if (typeof refs === 'string') return nobody(`${who} answered with ${refs}.`);
  if (refs.length > mostRefs)
    return nobody(`${who} answered with ${refs.length} ids; ${mostRefs} are the most.`);
  if (refs.length === 0) return nobody(`${who} answered with an empty list.`);
  return { kind: 'final', answer: { refs } };
};

const isRefs = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((ref) => typeof ref === 'string');

/** The refs of an answer, or what it is instead. */
const refsIn: Record<ResolverFormat, (answer: unknown) => string[] | string> = {
  easylife: (answer) => (isRefs(answer) ? answer : 'something that is not a list of ids'),
  countersign: (answer) => {
    // `ttl` is how long the answer may be kept. None is: whoever is asked about next is asked for anew.
    const { approvers, ttl } = (answer ?? {}) as { approvers?: unknown; ttl?: unknown };
    if (!isRefs(approvers)) return 'something that has no list of ids as "approvers"';
    const isTtl =
      ttl === undefined || ttl === null || (typeof ttl === 'string' && durationToMs(ttl) !== null);
    return isTtl ? approvers : 'a "ttl" that is not an ISO 8601 duration';
  },
};

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
};
