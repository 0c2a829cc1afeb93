import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { verify } from '@countersign/webhook-signature';
import { eventually } from './eventually';
import { expectStatus, type Json, type Page } from './http-client';
import { createOrganisation } from './organisation';
import { RecordingServer, webhookId } from './recording-server';
import { decide, order, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder } from './workflows';

jest.setTimeout(120_000);

let system: TestSystem;
let subscribers: RecordingServer;

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  // As much as there can be in the logs.
  system = await startTestSystem({
    env: { LOG_LEVEL: 'trace', COUNTERSIGN_WEBHOOK_RETRY: 'PT0.3S,PT0.3S' },
  });
  await createOrganisation(system.admin);
  await publish(system.admin, purchaseOrder);
});

afterAll(async () => {
  await system?.stop();
  await subscribers?.stop();
});

interface Endpoint extends Json {
  id: string;
  secret: string;
  publicKey: string;
}

interface FeedEvent {
  id: string;
  type: string;
  data: Json & { request?: { id: string } };
}

const subscribe = async (where: string, more: object): Promise<Endpoint> =>
  expectStatus(
    await system.admin.post<Endpoint>('/v1/webhook-endpoints', {
      url: subscribers.url(where),
      events: ['*'],
      format: 'standard',
      ...more,
    }),
    201,
  );

const eventsOf = async (types: string): Promise<FeedEvent[]> =>
  expectStatus(await system.admin.get<Page<FeedEvent>>(`/v1/events?limit=200&types=${types}`), 200).data;

/** What may stand in no log: each would be found whatever it is wrapped in. */
const markers = {
  payload: 'marker-of-the-payload',
  title: 'marker-of-the-title',
  reason: 'marker-of-the-reason',
  comment: 'marker-of-the-comment',
  path: 'marker-of-a-secret-path',
  answer: 'marker-of-an-answer',
};

describe('webhooks of the whole system', () => {
  it('come in the order of the feed to who asks for that, signed by Ed25519', async () => {
    const endpoint = await subscribe('/ordered', { ordering: 'per-request', signing: 'ed25519' });
    const request = await submit(system.admin, { workflow: 'purchase-order', payload: order(500) });
    const [task] = await untilTasks(system.admin, request.id);
    expectStatus(await decide(system.admin, task!, 'approve'), 200);
    await untilState(system.admin, request.id, 'completed');
    const feed = await eventually('the end in the feed', async () => {
      const events = (await eventsOf('*')).filter(({ data }) => data.request?.id === request.id);
      return events.some(({ type }) => type === 'request.completed') ? events : null;
    });
    const calls = await subscribers.untilCalls('/ordered', feed.length);
    expect(calls.map(webhookId)).toEqual(feed.map(({ id }) => id));
    for (const { headers, text } of calls)
      expect(verify({ headers, body: text, secrets: [endpoint.publicKey] })).toMatchObject({ valid: true });
  });

  it('that fail are told of to who asks for that, in the feed and in the audit log', async () => {
    subscribers.behave('/failing', () => ({ status: 500, body: markers.answer }));
    const failing = await subscribe('/failing', { events: ['request.created'] });
    await subscribe('/monitor', { events: ['endpoint.*', 'delivery.*'] });
    await submit(system.admin, { workflow: 'purchase-order', payload: order(500) });
    const told = await subscribers.untilCalls('/monitor', 2);
    const feed = await eventually('both in the feed', async () => {
      const events = await eventsOf('endpoint.*,delivery.exhausted');
      return events.length === 2 ? events : null;
    });
    expect(told.map(webhookId).sort()).toEqual(feed.map(({ id }) => id).sort());
    expect(feed.map(({ type }) => type).sort()).toEqual(['delivery.exhausted', 'endpoint.failing']);
    for (const { id, data } of feed) {
      const call = told.find((one) => webhookId(one) === id);
      expect((JSON.parse(call?.text ?? '{}') as FeedEvent).data).toEqual(data);
      expect(data.endpoint).toMatchObject({ id: failing.id });
    }
    const { data: entries } = expectStatus(
      await system.admin.get<Page>('/v1/audit/entries?type=delivery.exhausted'),
      200,
    );
    expect(entries).toMatchObject([{ content: { endpointId: failing.id, attempts: 3, lastStatus: 500 } }]);
  });

  it('leave no secret and no payload in any log, whatever fails', async () => {
    const where = `/${markers.path}`;
    let nth = 0;
    subscribers.behave(
      where,
      () => [{ status: 500, body: markers.answer }, { status: 302 }, { status: 204 }][nth++ % 3]!,
    );
    const endpoint = await subscribe(where, {});
    const rotated = expectStatus(
      await system.admin.post<Endpoint>(`/v1/webhook-endpoints/${endpoint.id}/rotate-secret`),
      200,
    );
    // Nobody listens, and nobody may be called.
    const nobody = await subscribe(where, { url: `http://127.0.0.1:9/${markers.path}` });
    await system.sql(`UPDATE notification.endpoint SET url = $2 WHERE id = $1`, [
      (await subscribe(where, {})).id,
      `http://169.254.169.254/${markers.path}`,
    ]);
    const request = await submit(system.admin, {
      workflow: 'purchase-order',
      title: markers.title,
      reason: markers.reason,
      payload: { ...order(500), department: markers.payload },
    });
    const [task] = await untilTasks(system.admin, request.id);
    expectStatus(await decide(system.admin, task!, 'approve', { comment: markers.comment }), 200);
    await untilState(system.admin, request.id, 'completed');
    await system.admin.post('/v1/requests', {
      payload: markers.payload,
      title: markers.title,
      secret: endpoint.secret,
    });
    await system.admin.post('/v1/webhook-endpoints', `{ "url": "${markers.path}`, {
      type: 'application/json',
    });
    await eventually('nothing is pending', async () => {
      const { data } = expectStatus(
        await system.admin.get<Page>(`/v1/webhook-endpoints/${nobody.id}/deliveries?state=pending`),
        200,
      );
      return data.length === 0;
    });
    const folder = path.join(system.dataDir, 'logs');
    const logs = readdirSync(folder).filter((name) => !/^(postgres|redis)/.test(name));
    expect(logs.length).toBeGreaterThanOrEqual(6);
    const secrets = [
      ...Object.values(markers),
      endpoint.secret.slice('whsec_'.length),
      rotated.secret.slice('whsec_'.length),
      nobody.secret.slice('whsec_'.length),
      system.adminKey ?? 'no key',
      'whsk_',
    ];
    const found = logs.flatMap((name) => {
      const text = readFileSync(path.join(folder, name), 'utf8');
      expect(text.length).toBeGreaterThan(0);
      return secrets.filter((secret) => text.includes(secret)).map((secret) => `${name}: ${secret}`);
    });
    expect(found).toEqual([]);
  });
});
