import { eventTypes } from '@countersign/contracts';
import { until, type TestService } from '@countersign/service-kit/test';
import { Webhook } from 'standardwebhooks';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { endRotations } from '../../test/end-rotations';
import { RequestStory } from '../../test/transitions';
import { DeliveryDispatcher } from './delivery-dispatcher';
import { startReceiver, type WebhookReceiver } from '../../test/webhook-receiver';

let service: TestService;
const receivers: WebhookReceiver[] = [];

beforeAll(async () => {
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT0.3S,PT0.5S' });
});
afterAll(() => service.stop());
afterEach(async () => {
  jest.restoreAllMocks();
  const { body } = await service.call('GET', '/v1/webhook-endpoints');
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
  secret: string;
}

const subscribe = async (url: string, more: object = {}): Promise<Endpoint> => {
  const { status, body } = await service.call('POST', '/v1/webhook-endpoints', {
    url,
    events: ['*'],
    format: 'standard',
    ...more,
  });
  expect(status).toBe(201);
  return body as Endpoint;
};

interface Delivery {
  id: string;
  eventId: string;
  eventType: string;
  state: string;
  nextAttemptAt: string | null;
  attempts: {
    at: string;
    status: number | null;
    latencyMs: number;
    error: string | null;
    response: string | null;
  }[];
}

const deliveriesOf = async (endpoint: Endpoint): Promise<Delivery[]> => {
  const { status, body } = await service.call('GET', `/v1/webhook-endpoints/${endpoint.id}/deliveries`);
  expect(status).toBe(200);
  return body.data as Delivery[];
};

/** The endpoint's only delivery, once it is in that state. */
const settled = (endpoint: Endpoint, state: string): Promise<Delivery> =>
  until(async () => {
    const [delivery] = await deliveriesOf(endpoint);
    return delivery?.state === state && delivery;
  });

const start = () => new RequestStory(service.workspaceId);

describe('deliveries', () => {
  it('reach every endpoint that wants the event, signed so that an independent receiver accepts them', async () => {
    const [all, created] = [await receive(), await receive()];
    const everything = await subscribe(all.url);
    const onlyCreated = await subscribe(created.url, { events: ['request.created'] });
    const story = start();
    const message = story.created();
    await service.send(message);
    await until(() => all.calls.length === 2 && created.calls.length === 1);

    const call = all.calls.find(({ text }) => text.includes('"type":"request.created"'));
    const body = new Webhook(everything.secret).verify(
      call?.text ?? '',
      call?.headers as Record<string, string>,
    );
    const event = message.data.events[0];
    expect(body).toMatchObject({
      type: 'request.created',
      timestamp: event?.at,
      data: {
        workspaceId: service.workspaceId,
        request: {
          id: story.request.id,
          payload: story.payload,
          requester: { userName: 'alice@example.com' },
        },
        actor: { type: 'system', id: null, via: null },
      },
    });
    expect(call?.headers['webhook-id']).toBe(event?.id);
    expect(call?.headers['content-type']).toBe('application/json');
    expect(call?.headers['user-agent']).toBe('Countersign');
    expect(call?.headers.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-/);
    expect(call?.text).not.toContain('"email"');
    expect(created.calls[0]?.headers['webhook-id']).toBe(event?.id);
    expect(() =>
      new Webhook(onlyCreated.secret).verify(call?.text ?? '', call?.headers as Record<string, string>),
    ).toThrow();
    const [delivery] = await until(async () => {
      const list = await deliveriesOf(onlyCreated);
      return list[0]?.state === 'succeeded' && list;
    });
    expect(delivery).toMatchObject({
      eventId: event?.id,
      eventType: 'request.created',
      attempts: [{ status: 204, error: null, response: null }],
    });
  });

  it('go to an easylife endpoint for the four state changes only, in its own format', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { format: 'easylife' });
    const story = start();
    await service.send(story.created(), story.assigned(), story.approved());
    await until(() => receiver.calls.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(receiver.calls).toHaveLength(2);
    const bodies = receiver.calls.map(({ text, headers }) => {
      new Webhook(endpoint.secret).verify(text, headers as Record<string, string>);
      return JSON.parse(text) as Record<string, unknown>;
    });
    const participants = bodies.map((body) => body.participants);
    expect(participants).toContainEqual([story.requester.id]);
    expect(participants).toContainEqual([story.approver.id]);
    for (const body of bodies) {
      expect(Object.keys(body)).toEqual([
        'requestId',
        'title',
        'reason',
        'requestorId',
        'participants',
        'stage',
        'totalStages',
        'templateId',
        'tenantId',
      ]);
    }
  });

  it('are made of every event type there is, with the task for those of tasks, and of no other', async () => {
    const receiver = await receive();
    await subscribe(receiver.url);
    const story = start();
    const hidden = [
      'task.closed',
      'stage.notified',
      'request.commented',
      'request.edited',
      'request.migrated',
    ];
    const events = [...eventTypes.filter((type) => type !== 'request.created'), ...hidden];
    await service.send(
      story.created(),
      story.assigned(),
      story.happened(
        events.map((type) => ({ type })),
        { overridden: true },
      ),
    );
    // Two come with the creation, two with the assignment.
    await until(() => receiver.calls.length >= eventTypes.length - 1 + 4);
    const bodies = receiver.calls.map(
      ({ text }) =>
        JSON.parse(text) as {
          type: string;
          data: { task?: { id: string }; request: { overridden: boolean } };
        },
    );
    const last = bodies.filter(({ data }) => data.request.overridden);
    expect(last.map(({ type }) => type).sort()).toEqual([...eventTypes.slice(1)].sort());
    for (const { type, data } of last)
      expect(data.task?.id).toBe(type.startsWith('task.') ? story.taskId : undefined);
    expect(bodies.filter(({ type }) => hidden.includes(type))).toEqual([]);
  });

  it('have the payload as it was then, also of a draft that is edited more than once', async () => {
    const receiver = await receive();
    await subscribe(receiver.url);
    const story = start();
    const messages = [
      story.created(),
      story.happened([{ type: 'request.edited' }], { payloadRevision: 2 }, 'first'),
      story.happened([{ type: 'request.edited' }], {}, 'second'),
      story.happened([{ type: 'request.returned' }], {}),
      story.happened([{ type: 'request.revised' }], { payloadRevision: 3 }, 'third'),
      story.happened([{ type: 'request.stage_started' }], {}),
    ];
    // One after the other for what is kept, and the same in one pack for what arrives together.
    for (const message of messages) {
      await service.send(message);
      await service.handled(message);
    }
    const together = start();
    await service.send(
      together.created(),
      together.happened([{ type: 'request.edited' }], { payloadRevision: 2 }, 'first'),
      together.happened([{ type: 'request.edited' }], {}, 'second'),
      together.happened([{ type: 'request.returned' }], {}),
    );
    await until(() => receiver.calls.length === 8);
    const payloads = receiver.calls.map(({ text }) => {
      const { type, data } = JSON.parse(text) as {
        type: string;
        data: { request: { id: string; payload: unknown } };
      };
      return [data.request.id === story.request.id ? 'alone' : 'together', type, data.request.payload];
    });
    expect(payloads.sort((one, other) => (String(one) < String(other) ? -1 : 1))).toEqual([
      ['alone', 'request.created', story.payload],
      ['alone', 'request.returned', 'second'],
      ['alone', 'request.revised', 'third'],
      ['alone', 'request.stage_started', 'third'],
      ['alone', 'request.submitted', story.payload],
      ['together', 'request.created', story.payload],
      ['together', 'request.returned', 'second'],
      ['together', 'request.submitted', story.payload],
    ]);
  });

  it('wait for the payload when a later transition overtakes the one that brings it', async () => {
    const receiver = await receive();
    await subscribe(receiver.url, { events: ['task.assigned'] });
    const story = start();
    const created = story.created();
    await service.send(story.assigned());
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(receiver.calls).toHaveLength(0);
    await service.send(created);
    await until(() => receiver.calls.length === 1);
    const { data } = JSON.parse(receiver.calls[0]?.text ?? '{}') as {
      data: Record<string, Record<string, unknown>>;
    };
    expect(data.request?.payload).toEqual(story.payload);
    expect(data.task).toMatchObject({
      id: story.taskId,
      state: 'open',
      assignee: { userName: 'bob@example.com' },
    });
  });

  it('happen once when the same transition comes twice, as the same message or as another', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    const message = start().created();
    await service.send(message, message);
    await service.send(message);
    const copies = [1, 2, 3].map(() => ({ ...message, id: v7() }));
    await service.send(...copies.slice(0, 1));
    await service.send(...copies.slice(1));
    await settled(endpoint, 'succeeded');
    await service.handled(message, ...copies);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await deliveriesOf(endpoint)).toHaveLength(1);
    expect(receiver.calls).toHaveLength(1);
  });

  it('are narrowed to the workflows that an endpoint names', async () => {
    const receiver = await receive();
    const other = await subscribe(receiver.url, { events: ['request.created'], workflows: ['leave'] });
    const same = await subscribe(receiver.url, {
      events: ['request.created'],
      workflows: ['leave', 'purchase-order'],
    });
    await service.send(start().created());
    await settled(same, 'succeeded');
    expect(await deliveriesOf(other)).toHaveLength(0);
  });

  it('are left to a message when this process has no room for the call', async () => {
    const askedFor = async () =>
      (await service.sql(`SELECT 1 FROM inbox WHERE queue = 'notification-webhook'`)).length;
    jest.spyOn(DeliveryDispatcher.prototype, 'roomFor').mockReturnValue(1);
    const before = await askedFor();
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    const stories = [start(), start(), start()];
    await service.send(...stories.map((story) => story.created()));
    await until(
      async () =>
        (await deliveriesOf(endpoint)).filter(({ state }) => state === 'succeeded').length === stories.length,
    );
    expect(
      receiver.calls.map(({ text }) => stories.findIndex(({ request }) => text.includes(request.id))).sort(),
    ).toEqual([0, 1, 2]);
    expect((await askedFor()) - before).toBeGreaterThanOrEqual(2);
  });

  it('are tried again after a failure, with the same id and body and a fresh signature', async () => {
    const receiver = await receive((response, _call, index) =>
      response.writeHead(index === 0 ? 500 : 200).end('no '.repeat(1_000)),
    );
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    const { attempts } = await settled(endpoint, 'succeeded');
    expect(attempts.map(({ status, error }) => [status, error])).toEqual([
      [500, 'answered 500'],
      [200, null],
    ]);
    expect(attempts[0]?.response).toHaveLength(1_024);
    const [first, second] = receiver.calls;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.text).toBe(first?.text);
    new Webhook(endpoint.secret).verify(second?.text ?? '', second?.headers as Record<string, string>);
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(260);
    expect(second!.at - first!.at).toBeLessThan(1_500);
  });

  it('are dead letters after the last attempt, and can be replayed', async () => {
    let isWell = false;
    const receiver = await receive((response) => response.writeHead(isWell ? 200 : 503).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    const dead = await settled(endpoint, 'failed');
    expect(dead.attempts).toHaveLength(3);
    expect(dead.nextAttemptAt).toBeNull();
    isWell = true;
    const replay = await service.call('POST', `/v1/deliveries/${dead.id}/replay`);
    expect([replay.status, replay.body.state, replay.body.id]).toEqual([200, 'pending', dead.id]);
    const { attempts } = await settled(endpoint, 'succeeded');
    expect(attempts.map(({ status }) => status)).toEqual([503, 503, 503, 200]);
    const [first, , , last] = receiver.calls;
    expect([last?.headers['webhook-id'], last?.text]).toEqual([first?.headers['webhook-id'], first?.text]);
    new Webhook(endpoint.secret).verify(last?.text ?? '', last?.headers as Record<string, string>);
  });

  it('wait as long as Retry-After asks', async () => {
    const receiver = await receive((response, _call, index) =>
      index === 0 ? response.writeHead(429, { 'retry-after': '2' }).end() : response.writeHead(200).end(),
    );
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    await settled(endpoint, 'succeeded');
    expect(receiver.calls[1]!.at - receiver.calls[0]!.at).toBeGreaterThanOrEqual(1_950);
  });

  it('disable an endpoint that answers 410, are skipped then, and can be replayed for a period once it is enabled', async () => {
    let isGone = true;
    const receiver = await receive((response) => response.writeHead(isGone ? 410 : 200).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    const since = new Date(Date.now() - 1_000).toISOString();
    await service.send(start().created());
    const first = await settled(endpoint, 'failed');
    expect(first.attempts).toMatchObject([{ status: 410 }]);
    const { body } = await service.call('GET', `/v1/webhook-endpoints/${endpoint.id}`);
    expect(body).toMatchObject({
      state: 'disabled',
      disabledReason: 'the endpoint answered 410 Gone',
      version: 2,
    });

    await service.send(start().created());
    await settled(endpoint, 'skipped');
    expect(receiver.calls).toHaveLength(1);
    const refused = await service.call('POST', `/v1/deliveries/${first.id}/replay`);
    expect([refused.status, refused.body.code]).toEqual([409, 'invalid_transition']);

    isGone = false;
    const enabled = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/enable`);
    expect([enabled.status, enabled.body.state, enabled.body.disabledReason]).toEqual([200, 'enabled', null]);
    const skipped = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/replay`, {
      since,
      state: 'skipped',
    });
    expect([skipped.status, skipped.body]).toEqual([200, { replayed: 1 }]);
    await until(() => receiver.calls.length === 2);
    await settled(endpoint, 'succeeded');
    const none = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/replay`, {
      since,
      until: since,
    });
    expect(none.body).toEqual({ replayed: 0 });
    const rest = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/replay`, { since });
    expect(rest.body).toEqual({ replayed: 2 });
    await until(() => receiver.calls.length === 4);
  });

  it('do not follow a redirect', async () => {
    const target = await receive();
    const receiver = await receive((response) => response.writeHead(302, { location: target.url }).end());
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    const { attempts } = await settled(endpoint, 'failed');
    expect(attempts[0]).toMatchObject({ status: 302, error: 'answered 302: redirects are not followed' });
    expect(target.calls).toHaveLength(0);
  });

  it('are refused, visibly, when the name leads to an address that is not public', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.sql(`UPDATE endpoint SET url = 'http://169.254.169.254/latest/meta-data' WHERE id = $1`, [
      endpoint.id,
    ]);
    await service.send(start().created());
    const { attempts } = await settled(endpoint, 'failed');
    expect(attempts).toHaveLength(3);
    expect(attempts[0]).toMatchObject({
      status: null,
      error: 'address_not_allowed: the address 169.254.169.254 is not public',
    });
  });

  it('to one endpoint are not delayed by another that hangs', async () => {
    const hanging = await receive(() => undefined);
    const fine = await receive();
    const hung = await subscribe(hanging.url);
    await subscribe(fine.url, { events: ['request.created'] });
    const count = 60;
    for (let sent = 0; sent < count; sent++) await service.send(start().created());
    await until(() => fine.calls.length === count, 14_000);
    // All of this while the first calls to the other were still under way.
    expect((await deliveriesOf(hung)).every(({ attempts }) => attempts.length === 0)).toBe(true);
    expect(hanging.calls.length).toBeLessThanOrEqual(16);
    expect(hanging.calls.length).toBeGreaterThan(0);
  });

  it('whose attempt is lost in the middle of its call are attempted again, and the lost one has no say any more', async () => {
    const pending: (() => void)[] = [];
    const receiver = await receive((response, _call, index) => {
      if (index === 0) pending.push(() => response.writeHead(410).end());
      else response.writeHead(200).end();
    });
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    await until(() => receiver.calls.length === 1);
    // As after a crash: nobody is left to record the call, and its lease runs out.
    await service.sql(`UPDATE delivery SET due_at = now() WHERE endpoint_id = $1`, [endpoint.id]);
    const { attempts } = await settled(endpoint, 'succeeded');
    expect(attempts).toMatchObject([{ status: 200 }]);
    expect(receiver.calls[1]?.headers['webhook-id']).toBe(receiver.calls[0]?.headers['webhook-id']);
    pending[0]?.();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [after] = await deliveriesOf(endpoint);
    expect([after?.state, after?.attempts.length]).toEqual(['succeeded', 1]);
    const { body } = await service.get(`/v1/webhook-endpoints/${endpoint.id}`);
    expect(body.state).toBe('enabled');
  });

  it('say nothing of a new address when the old one answers late that it is gone', async () => {
    const pending: (() => void)[] = [];
    const old = await receive((response) => void pending.push(() => response.writeHead(410).end()));
    const fresh = await receive();
    const endpoint = await subscribe(old.url, { events: ['request.created'] });
    await service.send(start().created());
    await until(() => old.calls.length === 1);
    await service.call('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, { url: fresh.url });
    pending[0]?.();
    const { attempts } = await settled(endpoint, 'succeeded');
    expect(attempts.map(({ status }) => status)).toEqual([410, 204]);
    const { body } = await service.get(`/v1/webhook-endpoints/${endpoint.id}`);
    expect(body).toMatchObject({ state: 'enabled', failingSince: null });
  });

  it('are signed with both secrets after a rotation', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    const { status, body } = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/rotate-secret`);
    expect(status).toBe(200);
    expect(body.secret).not.toBe(endpoint.secret);
    await service.send(start().created());
    await until(() => receiver.calls.length === 1);
    const [{ text, headers } = { text: '', headers: {} }] = receiver.calls;
    for (const secret of [body.secret as string, endpoint.secret])
      new Webhook(secret).verify(text, headers as Record<string, string>);
    // Once more within the day, such as by a client that did not hear the answer: nobody loses the secret that they have.
    const again = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/rotate-secret`);
    await service.send(start().created());
    await until(() => receiver.calls.length === 2);
    for (const secret of [again.body.secret as string, body.secret as string, endpoint.secret])
      new Webhook(secret).verify(
        receiver.calls[1]?.text ?? '',
        receiver.calls[1]?.headers as Record<string, string>,
      );
    await endRotations(service, endpoint.id);
    await service.send(start().created());
    await until(() => receiver.calls.length === 3);
    const second = receiver.calls[2];
    new Webhook(again.body.secret as string).verify(
      second?.text ?? '',
      second?.headers as Record<string, string>,
    );
    expect(() =>
      new Webhook(endpoint.secret).verify(second?.text ?? '', second?.headers as Record<string, string>),
    ).toThrow();
  });

  it.each(['standard', 'easylife'])('can be tried out with a test event in %s format', async (format) => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['task.decided'], format });
    const { status, body } = await service.call('POST', `/v1/webhook-endpoints/${endpoint.id}/test`);
    expect([status, body.state, body.eventType, body.requestId]).toEqual([
      200,
      'pending',
      'endpoint.test',
      null,
    ]);
    await settled(endpoint, 'succeeded');
    const [{ text, headers } = { text: '', headers: {} }] = receiver.calls;
    expect(new Webhook(endpoint.secret).verify(text, headers as Record<string, string>)).toMatchObject(
      format === 'standard'
        ? { type: 'endpoint.test', data: { workspaceId: service.workspaceId, endpoint: { id: endpoint.id } } }
        : { title: 'Test of a webhook endpoint', tenantId: service.workspaceId },
    );
    const shown = await service.call('GET', `/v1/deliveries/${body.id as string}`);
    expect([shown.status, shown.body.attempts.length]).toEqual([200, 1]);
  });

  it('that are pending when the service stops are made by the next start', async () => {
    let isWell = false;
    const receiver = await receive((response) => (isWell ? response.writeHead(200).end() : undefined));
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    await until(() => receiver.calls.length === 1);
    const stopping = Date.now();
    isWell = true;
    await service.restart();
    expect(Date.now() - stopping).toBeLessThan(9_000);
    const { attempts } = await settled(endpoint, 'succeeded');
    expect(attempts).toMatchObject([{ status: 200 }]);
  }, 30_000);
});

describe('another workspace', () => {
  const stranger = { workspace: '0192f3a4-7b1c-7d10-8000-00000000ffff' };

  it('neither sees nor changes endpoints and deliveries', async () => {
    const receiver = await receive();
    const endpoint = await subscribe(receiver.url, { events: ['request.created'] });
    await service.send(start().created());
    const { id } = await settled(endpoint, 'succeeded');
    for (const [method, path] of [
      ['GET', `/v1/webhook-endpoints/${endpoint.id}`],
      ['PATCH', `/v1/webhook-endpoints/${endpoint.id}`],
      ['DELETE', `/v1/webhook-endpoints/${endpoint.id}`],
      ['POST', `/v1/webhook-endpoints/${endpoint.id}/rotate-secret`],
      ['POST', `/v1/webhook-endpoints/${endpoint.id}/test`],
      ['POST', `/v1/webhook-endpoints/${endpoint.id}/enable`],
      ['POST', `/v1/webhook-endpoints/${endpoint.id}/replay`],
      ['GET', `/v1/webhook-endpoints/${endpoint.id}/deliveries`],
      ['GET', `/v1/deliveries/${id}`],
      ['POST', `/v1/deliveries/${id}/replay`],
    ] as const) {
      const { status, body } = await service.call(method, path, undefined, stranger);
      expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
    }
    const { body } = await service.call('GET', '/v1/webhook-endpoints', undefined, stranger);
    expect(body).toEqual({ data: [], nextCursor: null });
  });

  it('gets none of the events', async () => {
    const receiver = await receive();
    const foreign = await service.call(
      'POST',
      '/v1/webhook-endpoints',
      { url: receiver.url, events: ['*'], format: 'standard' },
      stranger,
    );
    expect(foreign.status).toBe(201);
    const own = await subscribe((await receive()).url, { events: ['request.created'] });
    const other = new RequestStory(stranger.workspace);
    await service.send(start().created(), other.created());
    await settled(own, 'succeeded');
    await until(() => receiver.calls.length === 2);
    expect(receiver.calls.every(({ text }) => text.includes(other.request.id))).toBe(true);
    expect(await deliveriesOf(own)).toHaveLength(1);
  });
});
