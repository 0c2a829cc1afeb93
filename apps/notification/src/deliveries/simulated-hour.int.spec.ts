import { createHash } from 'node:crypto';
import { until, type TestService } from '@countersign/service-kit/test';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type ReceivedCall, type WebhookReceiver } from '../../test/webhook-receiver';
import { defaultSchedule, parseSchedule } from './retry-schedule';

/**
 * The real service with receivers that fail at random, while an hour goes by in its database: the times that something is
 * due at come nearer instead of the clock going on.
 */
const requests = 24;
const hourMs = 3_600_000;
const stepMs = 120_000;
const schedule = parseSchedule(defaultSchedule);

let service: TestService;
const receivers: WebhookReceiver[] = [];
/** How far ahead of the clock the database is. */
let aheadMs = 0;

beforeAll(async () => {
  service = await createNotification();
});
afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  await service.stop();
});

interface Taken {
  id: string;
  requestId: string;
  at: number;
  isAcknowledged: boolean;
}

/** The same for the same receiver, event and try: what fails is no matter of luck. */
const chance = (...parts: (string | number)[]): number =>
  createHash('sha256').update(parts.join()).digest().readUInt32BE() / 2 ** 32;

const startModel = async (name: string, isWell: () => boolean) => {
  const taken: Taken[] = [];
  const tries = new Map<string, number>();
  const receiver = await startReceiver((response, call: ReceivedCall) => {
    const id = String(call.headers['webhook-id']);
    const number = (tries.get(id) ?? 0) + 1;
    tries.set(id, number);
    const body = JSON.parse(call.text) as { data: { request: { id: string } } };
    const luck = isWell() ? 1 : chance(name, id, number);
    taken.push({
      id,
      requestId: body.data.request.id,
      at: Date.now() + aheadMs,
      isAcknowledged: luck >= 0.45,
    });
    if (luck < 0.15) response.writeHead(500).end('no');
    else if (luck < 0.25) response.socket?.destroy();
    else if (luck < 0.3) response.writeHead(429, { 'retry-after': '3' }).end();
    else if (luck < 0.45)
      response.writeHead(200, { 'content-length': '9' }).end('short', () => response.socket?.destroy());
    else response.writeHead(204).end();
  });
  receivers.push(receiver);
  return { url: receiver.url, taken };
};

const pending = async (): Promise<{ count: number; nextMs: number }> => {
  const [row] = await service.sql<{ count: number; nextMs: number }>(
    `SELECT count(*)::int AS count, coalesce(extract(epoch FROM min(due_at) - now()) * 1000, 0)::float8 AS "nextMs" FROM delivery WHERE state = 'pending'`,
  );
  return row!;
};

/** Nobody has anything in hand: what is pending waits for its time. */
const atRest = (): Promise<unknown> => {
  let last = '';
  let since = Date.now();
  return until(async () => {
    const [row] = await service.sql<{ state: string }>(
      `SELECT (SELECT count(*) FROM delivery_attempt) || ' ' || coalesce((SELECT sum(attempt) FROM delivery), 0) AS state`,
    );
    if (row?.state !== last) {
      last = row?.state ?? '';
      since = Date.now();
    }
    return Date.now() - since > 400;
  }, 60_000);
};

/** Only for what waits for its next attempt: what is in somebody's hands has a lease by the clock. */
const advance = async (ms: number): Promise<void> => {
  aheadMs += ms;
  await service.sql(
    `WITH locked AS (
            SELECT d.id FROM delivery d JOIN delivery_attempt a ON a.delivery_id = d.id AND a.number = d.attempt
             WHERE d.state = 'pending' ORDER BY d.id FOR UPDATE OF d),
          moved AS (UPDATE delivery d SET due_at = due_at - $1 * interval '1 millisecond' FROM locked l WHERE d.id = l.id)
     UPDATE endpoint_health SET probe_at = probe_at - $1 * interval '1 millisecond', failing_since = failing_since - $1 * interval '1 millisecond'`,
    [ms],
  );
};

describe('an hour with receivers that fail at random', () => {
  it('loses no event, repeats only what failed, keeps the order where it is wanted, and is never early', async () => {
    let isWell = false;
    const subscribe = async (name: string, more: object = {}) => {
      const model = await startModel(name, () => isWell);
      const { status } = await service.call('POST', '/v1/webhook-endpoints', {
        url: model.url,
        events: ['*'],
        format: 'standard',
        ...more,
      });
      expect(status).toBe(201);
      return model;
    };
    const plain = [await subscribe('a'), await subscribe('b')];
    const ordered = [
      await subscribe('c', { ordering: 'per-request' }),
      await subscribe('d', { ordering: 'per-request', signing: 'ed25519' }),
    ];
    const stories = Array.from({ length: requests }, () => new RequestStory(service.workspaceId));
    const expected = new Map(
      stories.map((story) => {
        const messages = [story.created(), story.assigned(), story.approved()];
        return [story.request.id, messages] as const;
      }),
    );
    for (const round of [0, 1, 2]) {
      const messages = [...expected.values()].map((list) => list[round]!);
      await service.send(...messages);
      await service.handled(...messages);
    }
    const eventsOf = (requestId: string): string[] =>
      (expected.get(requestId) ?? []).flatMap(({ data }) =>
        data.events.filter(({ type }) => !type.startsWith('stage.')).map(({ id }) => id),
      );
    await atRest();
    while (aheadMs < hourMs) {
      const { count, nextMs } = await pending();
      if (count === 0) break;
      await advance(Math.max(stepMs, nextMs));
      await atRest();
    }
    isWell = true;
    for (let wave = 0; wave < 200 && (await pending()).count > 0; wave++) {
      await advance(Math.max(stepMs, (await pending()).nextMs));
      await atRest();
    }
    const states = await service.sql('SELECT state, count(*)::int FROM delivery GROUP BY 1');
    const all = [...expected.keys()].flatMap(eventsOf);
    expect(states).toEqual([{ state: 'succeeded', count: all.length * 4 }]);

    for (const { taken } of [...plain, ...ordered]) {
      expect(new Set(taken.map(({ id }) => id))).toEqual(new Set(all));
      // What was acknowledged is not sent again.
      const acknowledged = new Set<string>();
      for (const { id, isAcknowledged } of taken) {
        expect([id, acknowledged.has(id)]).toEqual([id, false]);
        if (isAcknowledged) acknowledged.add(id);
      }
      // The first three waits, at least nine tenths of each: those within the hour.
      const times = new Map<string, number[]>();
      for (const { id, at } of taken) times.set(id, [...(times.get(id) ?? []), at]);
      for (const list of times.values())
        for (const [index, at] of list.slice(1).entries())
          expect(at - list[index]!).toBeGreaterThanOrEqual(Math.min(schedule[index]!, stepMs) * 0.9 - 50);
      expect(taken.length).toBeGreaterThan(all.length);
    }
    for (const { taken } of ordered) {
      for (const requestId of expected.keys()) {
        const ids = taken.filter((one) => one.requestId === requestId).map(({ id }) => id);
        // Repeated at its place only: every event begins after the one before has ended.
        expect(ids.filter((id, index) => id !== ids[index - 1])).toEqual(eventsOf(requestId));
      }
    }
  }, 240_000);
});
