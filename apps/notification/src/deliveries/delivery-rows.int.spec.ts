import { until, type TestService } from '@countersign/service-kit/test';
import pg from 'pg';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';
import type { AttemptOutcome } from './attempt';
import { recordOutcomes } from './record-outcomes';

let service: TestService;
let receiver: WebhookReceiver;
let isWell = false;

beforeAll(async () => {
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT1H,PT1H' });
  receiver = await startReceiver((response) => response.writeHead(isWell ? 204 : 500).end());
});
afterAll(async () => {
  await receiver.close();
  await service.stop();
});

const subscribe = async (more: object = {}): Promise<string> => {
  const { body } = await service.call('POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    events: ['request.created'],
    format: 'standard',
    ...more,
  });
  return body.id as string;
};

interface Row {
  [column: string]: unknown;
  id: string;
  attempt: number;
  tries: number;
  state: string;
  held: boolean;
}

const rowsOf = (endpointId: string): Promise<Row[]> =>
  service.sql<Row>(
    'SELECT id, attempt, tries, state, held FROM delivery WHERE endpoint_id = $1 ORDER BY id',
    [endpointId],
  );

const attempted = (endpointId: string, count = 1): Promise<Row[]> =>
  until(async () => {
    const rows = await rowsOf(endpointId);
    return rows.length === count && rows.every(({ tries }) => tries === 1) && rows;
  });

describe('what an attempt came to', () => {
  it('counts once, also when nobody hears that it was written down and it is written again', async () => {
    const endpointId = await subscribe();
    await service.send(new RequestStory(service.workspaceId).created());
    const [delivery] = await attempted(endpointId);
    const outcome: AttemptOutcome = {
      deliveryId: delivery!.id,
      workspaceId: service.workspaceId,
      endpointId,
      url: receiver.url,
      attempt: delivery!.attempt,
      state: 'pending',
      delayMs: 1_000,
      result: { at: new Date(), status: 500, latencyMs: 5, error: 'answered 500', response: null },
      isGone: false,
      isCrowdedOut: false,
      isOrdered: false,
    };
    expect(await recordOutcomes({ query: service.sql }, [outcome])).toEqual([]);
    expect(await rowsOf(endpointId)).toEqual([delivery]);
    const { body } = await service.get(`/v1/webhook-endpoints/${endpointId}/statistics`);
    expect(body.attempts).toEqual({ total: 1, succeeded: 0, failed: 1 });
  });
});

describe('what is held for an endpoint that answers again', () => {
  it('goes out although there is no getting on with what is held for another', async () => {
    const [stuck, free] = [await subscribe(), await subscribe()].sort() as [string, string];
    await service.send(new RequestStory(service.workspaceId).created());
    await attempted(stuck);
    await attempted(free);
    const other = new pg.Client({
      connectionString: service.ownerUrl,
      options: '-c search_path=notification',
    });
    await other.connect();
    await service.sql('UPDATE delivery SET held = true WHERE endpoint_id = ANY ($1::uuid[])', [
      [stuck, free],
    ]);
    await other.query('BEGIN');
    await other.query('SELECT FROM delivery WHERE endpoint_id = $1 FOR UPDATE', [stuck]);
    isWell = true;
    await service.sql(`UPDATE endpoint_health SET drain = 'release' WHERE endpoint_id = ANY ($1::uuid[])`, [
      [stuck, free],
    ]);
    // Something that makes the sweeper look.
    await service.call('POST', `/v1/webhook-endpoints/${free}/test`);
    await until(async () => (await rowsOf(free)).every(({ state }) => state === 'succeeded'));
    expect((await rowsOf(stuck)).map(({ held }) => held)).toEqual([true]);
    await other.query('ROLLBACK');
    await other.end();
    await until(async () => (await rowsOf(stuck)).every(({ state }) => state === 'succeeded'));
  });
});

describe('times', () => {
  it.each([
    '2026-11-21T10:00:60Z',
    '2026-W47-6T10:00:00Z',
    '2026-325T10:00:00Z',
    '20261121T100000Z',
    '2026-11-21T10.5Z',
    '+002026-11-21T10:00:00Z',
  ])('like %s are refused, and the answer says where', async (time) => {
    const endpointId = await subscribe();
    const query = `createdAfter=${encodeURIComponent(time)}&createdBefore=${encodeURIComponent(time)}`;
    const list = await service.get(`/v1/webhook-endpoints/${endpointId}/deliveries?${query}`);
    const replay = await service.call('POST', `/v1/webhook-endpoints/${endpointId}/replay`, {
      since: time,
      until: time,
    });
    expect([list.status, list.body.code]).toEqual([400, 'validation_failed']);
    expect([replay.status, replay.body.errors?.length]).toEqual([400, 2]);
  });

  it.each(['2026-11-21T10:00:00+20:00', '2026-02-30T10:00:00Z', '0000-01-01T00:00:00Z'])(
    'like %s are refused',
    async (since) => {
      const endpointId = await subscribe();
      const { status } = await service.call('POST', `/v1/webhook-endpoints/${endpointId}/replay`, { since });
      expect(status).toBe(400);
    },
  );

  it.each(['2026-11-21T10:00:00Z', '2026-11-21T10:00:00.123456+05:30', '2024-02-29T23:59:59-08:00'])(
    'like %s are taken',
    async (time) => {
      const endpointId = await subscribe();
      const { status } = await service.get(
        `/v1/webhook-endpoints/${endpointId}/deliveries?createdAfter=${encodeURIComponent(time)}`,
      );
      expect(status).toBe(200);
    },
  );
});

describe('how far a request has been told', () => {
  const remember = (requestId: string, version: number, daysAgo: number) =>
    service.sql(
      `INSERT INTO request_told (request_id, workspace_id, version, is_over, told_at)
       VALUES ($1, $2, $3, false, now() - $4 * interval '1 day')`,
      [requestId, service.workspaceId, version, daysAgo],
    );

  it('counts only while somebody has wanted its events in order: nobody waits for what came in between', async () => {
    const story = new RequestStory(service.workspaceId);
    const [created, ...others] = [story.created(), story.assigned(), story.approved()];
    await service.send(created);
    await service.handled(created);
    // As if an endpoint that wanted them in order had been there then, and gone.
    await remember(story.request.id, created.data.request.version, 2);
    await subscribe({ ordering: 'per-request' });
    await service.send(others[1]!);
    await service.handled(others[1]!);
  });
});
