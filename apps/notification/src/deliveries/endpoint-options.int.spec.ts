import { verify } from '@countersign/webhook-signature';
import { until, type TestService } from '@countersign/service-kit/test';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver, type ReceivedCall, type WebhookReceiver } from '../../test/webhook-receiver';
import { eventCatalogue } from '../events/event-catalogue';

let service: TestService;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT0.3S,PT0.5S' });
});
afterAll(() => service.stop());
afterEach(async () => {
  const { body } = await service.get('/v1/webhook-endpoints');
  for (const { id } of body.data as { id: string }[])
    await service.call('DELETE', `/v1/webhook-endpoints/${id}`);
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

const receive = async (answer?: Parameters<typeof startReceiver>[0]): Promise<WebhookReceiver> => {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
};

interface Endpoint {
  id: string;
  publicKey: string | null;
}

const subscribe = async (url: string, more: object = {}, options = {}): Promise<Endpoint> => {
  const body = { url, events: ['*'], format: 'standard', ...more };
  const made = await service.call('POST', '/v1/webhook-endpoints', body, options);
  expect(made.status).toBe(201);
  return made.body as Endpoint;
};

interface Shown {
  id: string;
  eventId: string;
  eventType: string;
  requestId: string | null;
  state: string;
  createdAt: string;
  attempts: { status: number | null }[];
}

const listed = async ({ id }: Endpoint, query = ''): Promise<Shown[]> => {
  const { status, body } = await service.get(`/v1/webhook-endpoints/${id}/deliveries?limit=200${query}`);
  expect(status).toBe(200);
  return body.data as Shown[];
};

interface Event {
  type: string;
  data: {
    request: { id: string };
    endpoint: { id: string; url: string };
    delivery: { id: string; requestId: string };
    [name: string]: unknown;
  };
}

const eventOf = ({ text }: ReceivedCall): Event => JSON.parse(text) as Event;
const idOf = ({ headers }: ReceivedCall): string => String(headers['webhook-id']);
const start = () => new RequestStory(service.workspaceId);
const idsOf = (...messages: ReturnType<RequestStory['created']>[]): string[] =>
  messages.flatMap(({ data }) =>
    data.events.filter(({ type }) => !type.startsWith('stage.')).map(({ id }) => id),
  );

describe('an endpoint that is signed for by Ed25519', () => {
  it('gets signatures of the new and of the old key after a rotation, which the public keys verify', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'], signing: 'ed25519' });
    const rotated = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/rotate-secret`);
    await service.send(start().created());
    await until(() => receiver.calls.length === 1);
    const { text, headers } = receiver.calls[0]!;
    expect(headers['webhook-signature']).toMatch(/^v1a,\S+ v1a,\S+$/);
    for (const key of [endpoint.publicKey, rotated.body.publicKey])
      expect(verify({ headers, body: text, secrets: [key] })).toMatchObject({ valid: true });
  });
});

describe('an endpoint that wants the events of a request in order', () => {
  it('gets them one after the other; one that fails holds back those of its request only', async () => {
    let isWell = false;
    const [slow, other] = [start(), start()];
    const receiver = await receive((response, call) => {
      const isHeldBack = eventOf(call).data.request.id === slow.request.id && !isWell;
      setTimeout(() => response.writeHead(isHeldBack ? 500 : 204).end(), 30);
    });
    const endpoint = await subscribe(receiver.url, { ordering: 'per-request' });
    const told = [slow.created(), slow.assigned(), slow.approved()];
    const beside = [other.created(), other.assigned(), other.approved()];
    await service.send(...told, ...beside);
    const of = (story: RequestStory) =>
      receiver.calls.filter((call) => eventOf(call).data.request.id === story.request.id).map(idOf);
    await until(() => of(other).length === idsOf(...beside).length);
    expect(of(other)).toEqual(idsOf(...beside));
    expect(new Set(of(slow))).toEqual(new Set(idsOf(...told).slice(0, 1)));
    isWell = true;
    await until(() => new Set(of(slow)).size === idsOf(...told).length);
    expect([...new Set(of(slow))]).toEqual(idsOf(...told));
    await until(async () => (await listed(endpoint)).every(({ state }) => state === 'succeeded'));
  });

  it('gets them in order when a transition overtakes the one before', async () => {
    const receiver = await receive();
    await subscribe(receiver.url, { ordering: 'per-request' });
    const story = start();
    const [first, second, third] = [story.created(), story.assigned(), story.approved()];
    await service.send(first);
    await service.handled(first);
    await service.send(third);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await service.send(second);
    await until(() => receiver.calls.length === idsOf(first, second, third).length, 15_000);
    expect(receiver.calls.map(idOf)).toEqual(idsOf(first, second, third));
  });

  it('gets the next one after a dead letter, and a period in order when it is replayed', async () => {
    let isPoison = true;
    const receiver = await receive((response, call) => {
      response.writeHead(isPoison && eventOf(call).type === 'request.created' ? 400 : 204).end();
    });
    const endpoint = await subscribe(receiver.url, { ordering: 'per-request' });
    const story = start();
    const told = [story.created(), story.assigned()];
    const since = new Date(Date.now() - 1_000).toISOString();
    await service.send(...told);
    await until(() => new Set(receiver.calls.map(idOf)).size === idsOf(...told).length);
    const [dead, ...others] = (
      await until(async () => {
        const all = await listed(endpoint);
        return all.every(({ state }) => state !== 'pending') && all;
      })
    ).sort((a, b) => idsOf(...told).indexOf(a.eventId) - idsOf(...told).indexOf(b.eventId));
    expect([dead?.state, dead?.attempts.length]).toEqual(['failed', 3]);
    expect(new Set(others.map(({ state }) => state))).toEqual(new Set(['succeeded']));
    isPoison = false;
    receiver.calls.splice(0);
    const replay = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/replay`, { since });
    expect(replay.body).toEqual({ replayed: idsOf(...told).length });
    await until(() => receiver.calls.length === idsOf(...told).length);
    expect(receiver.calls.map(idOf)).toEqual(idsOf(...told));
  });
});

const healthOf = async ({ id }: Endpoint) => {
  const [row] = await service.sql<{ is_open: boolean; failures: number; probing: string | null }>(
    'SELECT is_open, failures, probing FROM endpoint_health WHERE endpoint_id = $1',
    [id],
  );
  return row;
};
const held = async ({ id }: Endpoint): Promise<number> =>
  (await service.sql('SELECT 1 FROM delivery WHERE endpoint_id = $1 AND held', [id])).length;

describe('a dead endpoint', () => {
  beforeAll(() => service.restart({ COUNTERSIGN_WEBHOOK_RETRY: 'PT1S,PT1S,PT1H,PT1H' }));
  afterAll(() => service.restart());

  it('is sent next to nothing while much waits for it, is probed, and gets everything once it answers', async () => {
    let isWell = false;
    const receiver = await receive((response) => response.writeHead(isWell ? 204 : 503).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    const count = 500;
    const stories = Array.from({ length: count }, start);
    for (let sent = 0; sent < count; sent += 50)
      await service.send(...stories.slice(sent, sent + 50).map((story) => story.created()));
    await until(async () => (await healthOf(endpoint))?.is_open, 20_000);
    // All that was on its way comes to rest as held, but for what has its hour to wait.
    await until(
      async () =>
        (
          await service.sql(
            `SELECT 1 FROM delivery WHERE endpoint_id = $1 AND NOT held AND due_at < now() + interval '30 minutes'`,
            [endpoint.id],
          )
        ).length === 0 && (await held(endpoint)) > 0,
      20_000,
    );
    const [calls, waiting] = [receiver.calls.length, await held(endpoint)];
    // New ones are held at once: no message, no call.
    const late = start().created();
    await service.send(late);
    await service.handled(late);
    expect(await held(endpoint)).toBe(waiting + 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(receiver.calls.length).toBeLessThanOrEqual(calls + 1);
    const probe = () =>
      service.sql('UPDATE endpoint_health SET probe_at = now(), probing = NULL WHERE endpoint_id = $1', [
        endpoint.id,
      ]);
    const before = receiver.calls.length;
    await probe();
    await until(() => receiver.calls.length > before);
    await until(async () => (await healthOf(endpoint))?.probing === null);
    expect((await healthOf(endpoint))?.is_open).toBe(true);

    isWell = true;
    await probe();
    await until(async () => (await healthOf(endpoint))?.is_open === false);
    await until(async () => (await held(endpoint)) === 0);
    // Those that wait for their hour keep their schedule.
    await service.sql(`UPDATE delivery SET due_at = now() WHERE endpoint_id = $1 AND state = 'pending'`, [
      endpoint.id,
    ]);
    await until(
      async () =>
        (
          await service.sql(`SELECT 1 FROM delivery WHERE endpoint_id = $1 AND state = 'succeeded'`, [
            endpoint.id,
          ])
        ).length ===
        count + 1,
      30_000,
    );
    const taken = new Set(receiver.calls.map(idOf));
    expect([...stories.map(({ request }) => request.id)].length).toBe(count);
    expect(taken.size).toBe(count + 1);
  }, 90_000);

  it('is tried at once when somebody asks for one delivery, and not for the others', async () => {
    let isWell = false;
    const receiver = await receive((response) => response.writeHead(isWell ? 204 : 503).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.sql(
      `INSERT INTO endpoint_health (endpoint_id, workspace_id, failing_since, failures, told_since, is_open, probe_at, probe_wait_ms)
       VALUES ($1, $2, now(), 20, now(), true, now() + interval '1 hour', 300000)`,
      [endpoint.id, service.workspaceId],
    );
    const messages = [start().created(), start().created()];
    await service.send(...messages);
    await service.handled(...messages);
    expect(await held(endpoint)).toBe(2);
    const test = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/test`);
    await until(async () => (await service.get(`/v1/deliveries/${test.body.id}`)).body.attempts.length === 1);
    expect(await held(endpoint)).toBe(2);
    expect(receiver.calls).toHaveLength(1);
    isWell = true;
    const [first] = await listed(endpoint, '&eventType=request.created');
    await service.call('POST', `/v1/deliveries/${first?.id}/replay`);
    await until(async () =>
      (await listed(endpoint, '&eventType=request.created')).every(({ state }) => state === 'succeeded'),
    );
    expect((await healthOf(endpoint))?.is_open).toBe(false);
  });

  it('is disabled after five days, its owner told, and what it missed is skipped and can be replayed', async () => {
    const owner = v7();
    const email = 'erwin@example.com';
    await service.sql(
      `INSERT INTO person (workspace_id, id, user_name, version, active, person)
       VALUES ($1, $2, $3, 1, true, $4)`,
      [
        service.workspaceId,
        owner,
        email,
        { id: owner, active: true, userName: email, displayName: 'Erwin', email },
      ],
    );
    let isWell = false;
    const [receiver, monitor] = [
      await receive((response) => response.writeHead(isWell ? 204 : 503).end()),
      await receive(),
    ];
    const endpoint = await subscribe(
      `${receiver.url}/secret-path`,
      { events: ['request.created', 'endpoint.*'], description: 'ERP\r\nof Erwin' },
      { actor: email },
    );
    await subscribe(monitor.url, { events: ['endpoint.*', 'delivery.exhausted'] });
    const since = new Date(Date.now() - 1_000).toISOString();
    const first = start().created();
    await service.send(first);
    await until(async () => ((await healthOf(endpoint))?.failures ?? 0) >= 3);
    await until(() => monitor.calls.length === 1);
    const failing = await service.get(`/v1/webhook-endpoints/${endpoint.id}`);
    expect(failing.body).toMatchObject({ state: 'enabled', failingSince: expect.stringMatching(/Z$/) });

    const begun = new Date(Date.now() - 5 * 24 * 3_600_000);
    await service.sql('UPDATE endpoint_health SET failing_since = $2 WHERE endpoint_id = $1', [
      endpoint.id,
      begun,
    ]);
    await service.send(start().created());
    await until(async () =>
      (await listed(endpoint)).every(({ state }, _, { length }) => length === 2 && state === 'skipped'),
    );
    const { body } = await service.get(`/v1/webhook-endpoints/${endpoint.id}`);
    expect(body).toMatchObject({
      state: 'disabled',
      disabledReason: `every attempt has failed since ${begun.toISOString()}`,
      failingSince: begun.toISOString(),
    });
    await until(() => monitor.calls.length === 2);
    expect(monitor.calls.map(eventOf).map(({ type, data }) => [type, data.endpoint.id])).toEqual([
      ['endpoint.failing', endpoint.id],
      ['endpoint.disabled', endpoint.id],
    ]);
    const mails = await service.sql<Record<string, string>>(
      `SELECT recipient, subject, text_body, html_body, state FROM mail WHERE person_id = $1`,
      [owner],
    );
    expect(mails).toEqual([
      expect.objectContaining({
        recipient: email,
        subject: 'Webhook endpoint disabled: ERP of Erwin',
        state: 'captured',
      }),
    ]);
    expect(mails[0]?.text_body).toContain('every attempt has failed since');
    expect(mails[0]?.text_body).not.toContain('secret-path');

    isWell = true;
    const enabled = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/enable`);
    expect(enabled.body).toMatchObject({ state: 'enabled', failingSince: null });
    const replay = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/replay`, {
      since,
      state: 'skipped',
    });
    expect(replay.body).toEqual({ replayed: 2 });
    await until(async () => (await listed(endpoint)).every(({ state }) => state === 'succeeded'));
    // It has asked for endpoint.* too, and is told nothing about itself.
    expect(new Set(receiver.calls.map((call) => eventOf(call).type))).toEqual(new Set(['request.created']));
  });

  it('that is deleted leaves nothing pending', async () => {
    const receiver = await receive((response) => response.writeHead(503).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(...Array.from({ length: 20 }, () => start().created()));
    await until(() => receiver.calls.length >= 20);
    await service.call('DELETE', `/v1/webhook-endpoints/${endpoint.id}`);
    await until(
      async () =>
        (
          await service.sql(`SELECT 1 FROM delivery WHERE endpoint_id = $1 AND state = 'skipped'`, [
            endpoint.id,
          ])
        ).length === 20,
    );
  });
});

describe('operational events', () => {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const fits = (event: Event): boolean => {
    const entry = eventCatalogue().find(({ type }) => type === event.type);
    return !!entry && ajv.compile(entry.schema)(event);
  };

  it('tell that an endpoint has recovered also when a new address mends it', async () => {
    const [broken, mended] = [await receive((response) => response.writeHead(503).end()), await receive()];
    const monitor = await receive();
    const endpoint = await subscribe(broken.url, { events: ['request.created'] });
    await subscribe(monitor.url, { events: ['endpoint.*'] });
    const told = (type: string) => monitor.calls.map(eventOf).find((event) => event.type === type);
    await service.send(start().created());
    const failing = await until(() => told('endpoint.failing'));
    await service.call('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, { url: mended.url });
    await service.send(start().created());
    const recovered = await until(() => told('endpoint.recovered'));
    expect(recovered.data.failingSince).toBe(failing.data.failingSince);
  });

  it('tell those who name them what happens to other endpoints, go into the trail, and come to an end', async () => {
    let isWell = false;
    const failing = await receive((response) => response.writeHead(isWell ? 204 : 503).end());
    const deadMonitor = await receive((response) => response.writeHead(500).end());
    const [monitor, stranger] = [await receive(), await receive()];
    const endpoint = await subscribe(failing.url, {
      events: ['request.created'],
      workflows: ['purchase-order'],
    });
    const dead = await subscribe(deadMonitor.url, { events: ['endpoint.*', 'delivery.exhausted'] });
    await subscribe(monitor.url, { events: ['endpoint.*', 'delivery.*'] });
    // What is not for this one's workflows only is none of its business.
    await subscribe(stranger.url, { events: ['*', 'endpoint.*', 'delivery.*'], workflows: ['travel'] });
    const easylife = await receive();
    await subscribe(easylife.url, { events: ['endpoint.*'], format: 'easylife' });

    const story = start();
    await service.send(story.created());
    await until(() => monitor.calls.some((call) => eventOf(call).type === 'delivery.exhausted'));
    isWell = true;
    await service.send(start().created());
    await until(() => monitor.calls.some((call) => eventOf(call).type === 'endpoint.recovered'));
    // The dead one's own troubles are told once, and that its deliveries are exhausted to nobody.
    await until(async () => (await listed(dead)).every(({ state }) => state === 'failed'), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const events = monitor.calls.map(eventOf);
    expect(events.map((event) => [event.type, fits(event)])).toEqual(events.map(({ type }) => [type, true]));
    const about = (id: string) =>
      events.filter(({ data }) => data.endpoint.id === id).map(({ type }) => type);
    expect(about(endpoint.id).sort()).toEqual([
      'delivery.exhausted',
      'endpoint.failing',
      'endpoint.recovered',
    ]);
    expect(about(dead.id)).toEqual(['endpoint.failing']);
    // An address may be a secret: others see whose it is, no more.
    for (const { data } of events) expect(new URL(data.endpoint.url).origin).toBe(data.endpoint.url);
    const exhausted = events.find(({ type }) => type === 'delivery.exhausted');
    expect(exhausted?.data.delivery).toMatchObject({
      eventType: 'request.created',
      requestId: story.request.id,
      attempts: 3,
      lastStatus: 503,
      lastError: 'answered 503',
    });
    expect([stranger.calls, easylife.calls]).toEqual([[], []]);
    const messages = await service.sql<{ id: string }>(
      `SELECT envelope -> 'data' ->> 'id' AS id FROM outbox_message WHERE envelope ->> 'type' = 'notification.happened.v1'`,
    );
    expect(messages.map(({ id }) => id)).toEqual(expect.arrayContaining(monitor.calls.map(idOf)));
  }, 40_000);
});

describe('deliveries by API', () => {
  it('are filtered by state, event type, request and period, and counted without counting history', async () => {
    const receiver = await receive((response, call) =>
      response.writeHead(eventOf(call).type === 'request.submitted' ? 500 : 204).end(),
    );
    const endpoint = await subscribe(receiver.url);
    const [one, two] = [start(), start()];
    await service.send(one.created());
    await until(async () => (await listed(endpoint)).every(({ state }) => state !== 'pending'));
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await service.send(two.created(), two.assigned());
    const all = await until(async () => {
      const rows = await listed(endpoint);
      return rows.length === 6 && rows.every(({ state }) => state !== 'pending') && rows;
    });
    const kinds = async (query: string) =>
      (await listed(endpoint, query)).map(({ eventType, requestId, state }) => [
        eventType,
        requestId === one.request.id ? 'one' : 'two',
        state,
      ]);
    expect(await kinds('&state=failed')).toEqual([
      ['request.submitted', 'two', 'failed'],
      ['request.submitted', 'one', 'failed'],
    ]);
    expect(await kinds('&eventType=task.assigned')).toEqual([['task.assigned', 'two', 'succeeded']]);
    expect(await kinds(`&requestId=${one.request.id}&state=succeeded`)).toEqual([
      ['request.created', 'one', 'succeeded'],
    ]);
    expect(await kinds(`&createdAfter=${between}`)).toHaveLength(4);
    expect(await kinds(`&createdBefore=${between}`)).toHaveLength(2);
    expect(await kinds(`&createdAfter=${all[5]?.createdAt}&createdBefore=${between}`)).toHaveLength(2);
    const refused = await service.get(
      `/v1/webhook-endpoints/${endpoint.id}/deliveries?requestId=x&createdAfter=2026-11-21`,
    );
    expect([refused.status, refused.body.errors.length]).toEqual([400, 2]);

    const { status, body } = await service.get(`/v1/webhook-endpoints/${endpoint.id}/statistics?hours=2`);
    expect([status, body]).toEqual([
      200,
      {
        from: expect.stringMatching(/:00:00\.000Z$/),
        attempts: { total: 10, succeeded: 4, failed: 6 },
        successRate: 0.4,
        averageLatencyMs: expect.any(Number),
        exhausted: 2,
        now: { pending: 0, failed: 2, skipped: 0 },
      },
    ]);
    for (const hours of ['0', '2161', 'x'])
      expect(
        (await service.get(`/v1/webhook-endpoints/${endpoint.id}/statistics?hours=${hours}`)).status,
      ).toBe(400);
    const foreign = await service.get(`/v1/webhook-endpoints/${endpoint.id}/statistics`, {
      workspace: v7(),
    });
    expect(foreign.status).toBe(404);
    const limited = await service.get(`/v1/webhook-endpoints/${endpoint.id}/statistics`, {
      workflows: ['a'],
    });
    expect([limited.status, limited.body.code]).toEqual([403, 'workflow_not_allowed']);
  });
});
