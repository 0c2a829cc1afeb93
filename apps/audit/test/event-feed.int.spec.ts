import {
  eventTypes,
  isEventType,
  type Envelope,
  type NotificationHappened,
  type RequestTransitioned,
} from '@countersign/contracts';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { bob, messageOf, payload, storyOf, type Story } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit({ COUNTERSIGN_CONCURRENCY: '4' });
}, 60_000);
afterAll(() => service.stop(), 30_000);

const deliver = async (...messages: Story['messages']): Promise<void> => {
  await service.send(...messages);
  await service.handled(...messages);
};

const publicIds = (...messages: Story['messages']): string[] =>
  messages.flatMap(({ data }) => data.events.filter(({ type }) => isEventType(type)).map(({ id }) => id));

const page = async (workspace: string, cursor?: string, limit = 50) => {
  const { status, body } = await service.get(
    `/v1/events?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`,
    { workspace },
  );
  expect(status).toBe(200);
  return body as {
    data: { id: string; type: string; timestamp: string; data: Record<string, unknown> }[];
    nextCursor: string;
  };
};

describe('GET /v1/events', () => {
  it('shows the public events as webhooks do, each with the request as after its transition', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    await deliver(...messages);
    const { data } = await page(workspace);
    expect(data.map(({ id }) => id)).toEqual(publicIds(...messages));
    expect(data.map(({ type }) => type)).toEqual([
      'request.created',
      'request.submitted',
      'request.stage_started',
      'task.assigned',
      'task.decided',
      'request.rejected',
    ]);
    const shown = JSON.parse(JSON.stringify(payload));
    expect(data[0]?.data).toEqual({
      workspaceId: workspace,
      request: expect.objectContaining({ id: requestId, state: 'submitted', version: 2, payload: shown }),
      actor: { type: 'user', id: expect.any(String), via: 'key-1' },
    });
    expect(data[4]).toEqual({
      id: expect.any(String),
      type: 'task.decided',
      timestamp: '2026-11-21T09:00:04.000Z',
      data: {
        workspaceId: workspace,
        request: expect.objectContaining({ state: 'rejected', version: 4, payload: shown }),
        task: expect.objectContaining({
          state: 'rejected',
          comment: 'too expensive',
          assignee: { id: bob.id, userName: bob.userName, displayName: bob.displayName },
        }),
        actor: { type: 'user', id: bob.id, via: 'key-1' },
      },
    });
  });

  it('can be followed: every page names where to go on, also an empty one', async () => {
    const workspace = v7();
    let { data, nextCursor } = await page(workspace);
    expect(data).toEqual([]);
    const [first, second] = [storyOf(workspace), storyOf(workspace)];
    const got: string[] = [];
    const follow = async (): Promise<void> => {
      do {
        ({ data, nextCursor } = await page(workspace, nextCursor, 4));
        got.push(...data.map(({ id }) => id));
      } while (data.length > 0);
    };
    await deliver(...first.messages);
    await follow();
    expect(got).toEqual(publicIds(...first.messages));
    await deliver(...second.messages);
    await follow();
    expect(got).toEqual(publicIds(...first.messages, ...second.messages));
  });

  it('ends a page early when its events are large, and goes on from there', async () => {
    const workspace = v7();
    const [created, assigned] = storyOf(workspace).messages;
    if (!created || !assigned) throw new Error('a story without a beginning');
    const [like] = assigned.data.events;
    if (!like) throw new Error('a story without events');
    const large = { text: 'x'.repeat(250_000) };
    const first = messageOf(workspace, {
      ...created.data,
      revisionPayload: { revision: created.data.request.revision, payload: { value: large } },
    });
    const events = Array.from({ length: 50 }, () => ({ ...like, id: v7(), type: 'task.reminded', data: {} }));
    const second = messageOf(workspace, { ...assigned.data, events });
    await deliver(first, second);
    const got: string[] = [];
    const sizes: number[] = [];
    for (let { data, nextCursor } = await page(workspace, undefined, 200); data.length > 0;) {
      got.push(...data.map(({ id }) => id));
      sizes.push(JSON.stringify(data).length);
      ({ data, nextCursor } = await page(workspace, nextCursor, 200));
    }
    expect(got).toEqual(publicIds(first, second));
    expect(Math.max(...sizes)).toBeLessThan(9_000_000);
  });

  it('has every public type, with the task for those of tasks, and no other', async () => {
    const workspace = v7();
    const [created, assigned] = storyOf(workspace).messages;
    if (!created || !assigned) throw new Error('a story without a beginning');
    const [task] = assigned.data.request.stages[0]?.tasks ?? [];
    const [like] = assigned.data.events;
    if (!task || !like) throw new Error('a story without a task');
    const hidden = [
      'task.closed',
      'stage.notified',
      'stage.ended',
      'request.commented',
      'request.edited',
      'request.migrated',
    ];
    const events = [...eventTypes.slice(1), ...hidden].map((type) => ({
      ...like,
      id: v7(),
      type,
      taskId: type.startsWith('task.') ? task.id : null,
      data: {},
    }));
    await deliver(created, messageOf(workspace, { ...assigned.data, events }));
    const { data } = await page(workspace);
    expect(data.map(({ type }) => type)).toEqual([
      'request.created',
      'request.submitted',
      ...eventTypes.slice(1),
    ]);
    for (const event of data) {
      expect(event.data.request).toHaveProperty('overridden', false);
      if (event.type.startsWith('task.')) expect(event.data.task).toHaveProperty('id', task.id);
      else expect(event.data).not.toHaveProperty('task');
    }
  });

  it('shows each event with the payload as it was then, also of a draft that is edited more than once', async () => {
    const workspace = v7();
    const [created, assigned] = storyOf(workspace).messages;
    if (!created || !assigned) throw new Error('a story without a beginning');
    const [like] = assigned.data.events;
    if (!like) throw new Error('a story without events');
    const step = (
      version: number,
      type: string,
      revisions: { revision: number; payloadRevision: number },
      value?: unknown,
    ) => {
      const change: Partial<RequestTransitioned> =
        value === undefined
          ? {}
          : { revisionPayload: { revision: revisions.payloadRevision, payload: { value } } };
      return messageOf(workspace, {
        ...assigned.data,
        ...change,
        request: { ...assigned.data.request, ...revisions, version },
        events: [{ ...like, id: v7(), type, data: {} }],
      });
    };
    const edited = { revision: 1, payloadRevision: 2 };
    const handedIn = { revision: 2, payloadRevision: 2 };
    const steps = [
      step(3, 'request.returned', { revision: 1, payloadRevision: 1 }),
      step(4, 'request.edited', edited, 'first'),
      step(5, 'request.edited', edited, 'second'),
      step(6, 'request.submitted', handedIn),
      step(7, 'request.revised', { revision: 3, payloadRevision: 3 }, 'third'),
      step(8, 'task.assigned', handedIn),
    ];
    await deliver(created, ...steps);
    const { data } = await page(workspace);
    const original: unknown = JSON.parse(JSON.stringify(payload));
    expect(
      data.map(({ type, data: { request } }) => [type, (request as { payload: unknown }).payload]),
    ).toEqual([
      ['request.created', original],
      ['request.submitted', original],
      ['request.returned', original],
      ['request.submitted', 'second'],
      ['request.revised', 'third'],
      ['task.assigned', 'second'],
    ]);
  });

  it('waits for a payload that is still on its way, and loses nothing by it', async () => {
    const workspace = v7();
    const [overtaken, other] = [storyOf(workspace), storyOf(workspace)];
    const [created, ...later] = overtaken.messages;
    if (!created) throw new Error('a story without a beginning');
    await deliver(...other.messages);
    await deliver(...later);
    const before = await page(workspace);
    expect(before.data.map(({ id }) => id)).toEqual(publicIds(...other.messages));
    await deliver(created);
    const after = await page(workspace, before.nextCursor);
    expect(after.data.map(({ id }) => id)).toEqual(publicIds(...later, created));
    for (const { data } of after.data)
      expect(data.request).toHaveProperty('payload', JSON.parse(JSON.stringify(payload)));
  });

  it('does not wait for ever', async () => {
    const workspace = v7();
    const [, ...later] = storyOf(workspace).messages;
    await deliver(...later);
    await service.sql("UPDATE entry SET recorded_at = now() - interval '2 minutes' WHERE workspace_id = $1", [
      workspace,
    ]);
    const { data } = await page(workspace);
    expect(data.map(({ id }) => id)).toEqual(publicIds(...later));
    expect(data[0]?.data.request).toHaveProperty('payload', null);
  });

  it('shows a key of some workflows only theirs', async () => {
    const workspace = v7();
    const [orders, travel] = [storyOf(workspace), storyOf(workspace, 'travel')];
    await deliver(...orders.messages, ...travel.messages);
    const { body } = await service.get('/v1/events', { workspace, workflows: ['travel'] });
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(publicIds(...travel.messages));
  });

  const happened = (workspace: string, requestId: string | null = null): Envelope<NotificationHappened> => ({
    id: v7(),
    type: 'notification.happened.v1',
    source: 'notification',
    occurredAt: new Date().toISOString(),
    workspaceId: workspace,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data: {
      id: v7(),
      type: requestId === null ? 'endpoint.failing' : 'delivery.exhausted',
      at: '2026-11-21T10:00:00.000Z',
      requestId,
      content: { actor: { type: 'system', id: null, via: null }, endpointId: v7() },
      shown: { workspaceId: workspace, endpoint: { id: 'e', url: 'https://erp.example.com/' } },
    },
  });

  it('shows what happened to endpoints and deliveries to those who name it, once, and the trail has it', async () => {
    const workspace = v7();
    const { requestId, messages } = storyOf(workspace);
    const [failing, exhausted] = [happened(workspace), happened(workspace, requestId)];
    await deliver(...messages);
    await service.send(failing, exhausted);
    await service.handled(failing, exhausted);
    const again = { ...failing, id: v7() };
    await service.send(again);
    await service.handled(again);
    expect((await page(workspace)).data.map(({ id }) => id)).toEqual(publicIds(...messages));
    const named = async (types: string, options = {}) =>
      (await service.get(`/v1/events?types=${types}`, { workspace, ...options })).body.data as {
        id: string;
      }[];
    expect(await named('endpoint.*,delivery.exhausted')).toEqual([
      { id: failing.data.id, type: 'endpoint.failing', timestamp: failing.data.at, data: failing.data.shown },
      {
        id: exhausted.data.id,
        type: 'delivery.exhausted',
        timestamp: exhausted.data.at,
        data: exhausted.data.shown,
      },
    ]);
    expect(await named('*,endpoint.*')).toHaveLength(publicIds(...messages).length + 1);
    expect(await named('task.decided')).toHaveLength(1);
    expect(await named('endpoint.*', { workflows: ['purchase-order'] })).toEqual([]);
    const { body } = await service.get('/v1/audit/entries?type=delivery.exhausted', { workspace });
    expect(body.data).toMatchObject([
      { id: exhausted.data.id, requestId, requestVersion: null, content: exhausted.data.content, sealed: [] },
    ]);
    for (const types of ['', 'request', 'request.made', '*,', 'endpoint.*,x'])
      expect((await service.get(`/v1/events?types=${types}`, { workspace })).status).toBe(400);
  });

  it('has no gaps and no duplicates for readers who follow it while many write', async () => {
    const workspace = v7();
    const stories = Array.from({ length: 40 }, () => storyOf(workspace));
    const all = stories.flatMap(({ messages }) => messages);
    const expected = publicIds(...all);
    let isOver = false;
    const follow = async (limit: number): Promise<string[]> => {
      const got: string[] = [];
      let cursor: string | undefined;
      for (;;) {
        const wasOver = isOver;
        const { data, nextCursor } = await page(workspace, cursor, limit);
        got.push(...data.map(({ id }) => id));
        cursor = nextCursor;
        if (data.length === 0 && wasOver) return got;
      }
    };
    const readers = [follow(1), follow(7), follow(200)];
    // Jobs of any size, in no order: the service handles several at once.
    const shuffled = all.map((message) => ({ message, by: message.id.slice(-6) }));
    shuffled.sort((a, b) => (a.by < b.by ? -1 : 1));
    const sent: Promise<void>[] = [];
    for (let index = 0; index < shuffled.length; index += 3)
      sent.push(service.send(...shuffled.slice(index, index + 3).map(({ message }) => message)));
    await Promise.all(sent);
    await service.handled(...all);
    isOver = true;
    const [one, seven, many] = await Promise.all(readers);
    expect(one).toHaveLength(expected.length);
    expect(new Set(one)).toEqual(new Set(expected));
    expect(seven).toEqual(one);
    expect(many).toEqual(one);
  }, 60_000);

  it('needs the scope webhooks:read and a cursor of its own', async () => {
    const refused = await service.get('/v1/events', { scopes: ['audit:read'] });
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
    const { body } = await service.get('/v1/audit/entries?limit=1');
    for (const cursor of ['x', body.nextCursor ?? 'y'])
      expect((await service.get(`/v1/events?cursor=${cursor}`)).status).toBe(400);
  });
});
