import type { OutboundResult } from '@countersign/outbound-http';
import type { AttemptOutcome, AttemptResult, LeasedDelivery } from './attempt';
import { nextDelayMs, retryAfterMs } from './retry-schedule';

const shownBytes = 1_024;

/** A delivery that could not be attempted now goes back for a moment; differently long, so that not all return at once. */
const putBackMs = { least: 500, spread: 1_500 };

type Addressed = Pick<
  AttemptOutcome,
  'deliveryId' | 'workspaceId' | 'endpointId' | 'url' | 'attempt' | 'isOrdered'
>;

const addressOf = (delivery: LeasedDelivery): Addressed => ({
  deliveryId: delivery.id,
  workspaceId: delivery.workspace_id,
  endpointId: delivery.endpoint_id,
  url: delivery.url,
  attempt: delivery.attempt,
  isOrdered: delivery.is_ordered,
});

/** Not attempted: due again soon, and not counted. */
export const putBack = (delivery: LeasedDelivery, random: number, isCrowdedOut = false): AttemptOutcome => ({
  ...addressOf(delivery),
  state: 'pending',
  delayMs: Math.round(putBackMs.least + putBackMs.spread * random),
  result: null,
  isGone: false,
  isCrowdedOut,
});

/**
 * What the result of a call means for its delivery (product §5): 2xx is success, everything else
 * is tried again while the schedule lasts; whether a 410 is the end is seen when it is written down.
 * @param random 0 to 1
 */
export const outcomeOf = (
  delivery: LeasedDelivery,
  call: OutboundResult,
  at: Date,
  schedule: readonly number[],
  random: number,
): AttemptOutcome => {
  const result = resultOf(call, at);
  const isGone = result.status === 410;
  const base = { ...addressOf(delivery), result, isGone, isCrowdedOut: false, delayMs: null };
  if (result.error === null) return { ...base, state: 'succeeded' };
  const asked = call.kind === 'response' ? retryAfterMs(call.headers['retry-after'], at.getTime()) : 0;
  const delayMs = nextDelayMs(schedule, delivery.tries + 1, random, asked);
  return delayMs === null ? { ...base, state: 'failed' } : { ...base, state: 'pending', delayMs };
};

const resultOf = (call: OutboundResult, at: Date): AttemptResult => {
  switch (call.kind) {
    case 'response':
      return {
        at,
        status: call.status,
        latencyMs: call.latencyMs,
        error: errorOf(call.status),
        response: textOf(call.body),
      };
    case 'failed':
      return {
        at,
        status: call.status ?? null,
        latencyMs: call.latencyMs,
        error: `${call.reason}: ${clean(call.detail)}`,
        response: null,
      };
    case 'refused':
      return {
        at,
        status: null,
        latencyMs: 0,
        error: `${call.reason}: ${clean(call.detail)}`,
        response: null,
      };
  }
};

const errorOf = (status: number): string | null => {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `answered ${status}: redirects are not followed`;
  return `answered ${status}`;
};

/** PostgreSQL keeps no NUL in a text. */
const clean = (text: string): string => text.replaceAll('\0', '').slice(0, 500).toWellFormed();

/** A streaming decoder leaves out a character that the cut has halved. */
const textOf = (body: Buffer): string | null => {
  if (body.length === 0) return null;
  return new TextDecoder().decode(body.subarray(0, shownBytes), { stream: true }).replaceAll('\0', '\ufffd');
};
