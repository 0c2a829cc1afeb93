import { eventTypes, isEventType, type RequestTransitioned } from '@countersign/contracts';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createAudit } from './create-audit';
import { bob, messageOf, payload, storyOf, type Story } from './transitions';

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
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

  it('needs the scope webhooks:read and a cursor of its own', async () => {
    const refused = await service.get('/v1/events', { scopes: ['audit:read'] });
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
    const { body } = await service.get('/v1/audit/entries?limit=1');
    for (const cursor of ['x', body.nextCursor ?? 'y'])
      expect((await service.get(`/v1/events?cursor=${cursor}`)).status).toBe(400);
  });
});
