import type { OutboundResult } from '@countersign/outbound-http';
import type { LeasedDelivery } from './attempt';
import { outcomeOf, putBack } from './attempt-outcome';

const at = new Date('2026-11-21T09:00:00Z');
const schedule = [5_000, 10_000];

const delivery = (tries = 0): LeasedDelivery => ({
  id: 'd',
  workspace_id: 'w',
  endpoint_id: 'e',
  event_id: 'v',
  format: 'standard',
  attempt: 4,
  tries,
  url: 'https://hooks.example.com',
  secrets: [],
  is_ordered: false,
  body: '{}',
});

const answer = (status: number, body = '', headers: Record<string, string> = {}): OutboundResult => ({
  kind: 'response',
  status,
  headers,
  body: Buffer.from(body),
  truncated: false,
  latencyMs: 12,
});

const outcome = (call: OutboundResult, tries = 0) => outcomeOf(delivery(tries), call, at, schedule, 0.5);

describe('the outcome of an attempt', () => {
  it.each([200, 201, 204, 299])('is success for %d', (status) => {
    expect(outcome(answer(status))).toMatchObject({
      state: 'succeeded',
      delayMs: null,
      attempt: 4,
      result: { status, error: null, latencyMs: 12 },
    });
  });

  it.each([300, 302, 400, 404, 500, 503])('is another attempt for %d', (status) => {
    expect(outcome(answer(status))).toMatchObject({ state: 'pending', delayMs: 5_000, isGone: false });
    expect(outcome(answer(status), 1)).toMatchObject({ state: 'pending', delayMs: 10_000 });
  });

  it('is a dead letter after the last wait', () => {
    expect(outcome(answer(500), 2)).toMatchObject({ state: 'failed', delayMs: null, isGone: false });
  });

  it('is another attempt for 410 as well, should somebody else be there by now', () => {
    expect(outcome(answer(410))).toMatchObject({ state: 'pending', delayMs: 5_000, isGone: true });
    expect(outcome(answer(410), 2)).toMatchObject({ state: 'failed', isGone: true });
    expect(outcome(answer(404))).toMatchObject({ isGone: false });
  });

  it('honours Retry-After', () => {
    expect(outcome(answer(503, '', { 'retry-after': '60' }))).toMatchObject({
      state: 'pending',
      delayMs: 60_000,
    });
  });

  it('is another attempt when no complete answer came, with what is known of it', () => {
    expect(
      outcome({
        kind: 'failed',
        reason: 'timeout',
        detail: 'not complete in time',
        latencyMs: 15_000,
        status: 200,
      }),
    ).toMatchObject({
      state: 'pending',
      result: { status: 200, error: 'timeout: not complete in time', latencyMs: 15_000, response: null },
    });
    expect(
      outcome({ kind: 'refused', reason: 'address_not_allowed', detail: 'the address ::1 is not public' }),
    ).toMatchObject({
      state: 'pending',
      result: { status: null, error: 'address_not_allowed: the address ::1 is not public', latencyMs: 0 },
    });
  });

  it('keeps the first 1 KiB of the answer, whole characters only and none that the database refuses', () => {
    const { result } = outcome(answer(500, `a\0${'é'.repeat(1_000)}`));
    expect(result?.response).toBe(`a\ufffd${'é'.repeat(511)}`);
  });

  it('counts nothing when no attempt was made', () => {
    expect(putBack(delivery(), 0.5)).toMatchObject({
      state: 'pending',
      delayMs: 1_250,
      result: null,
      attempt: 4,
    });
  });
});
