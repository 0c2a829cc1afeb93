import type { JobData, RequestTransitioned } from '@countersign/contracts';
import { until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createRouting, type Routing } from '../../test/create-routing';

const person = (name: string) => ({
  id: v7(),
  externalId: null,
  userName: `${name}@example.com`,
  displayName: name,
  email: null,
});
const alice = person('alice');
const bob = person('bob');
const carol = person('carol');
const service = { type: 'service' as const, id: v7(), via: null };

let routing: Routing;
beforeAll(async () => (routing = await createRouting()));
afterAll(() => routing.stop());

const publish = async (definition: { key: string; stages: object[] }, version = 1, workflowId = v7()) => {
  await routing.tell('workflow.published.v1', { workflowId, key: definition.key, version, definition });
  return { id: workflowId, key: definition.key, version };
};

/** Asks Bob, with these rules beside. */
const stage = (more: object = {}) => ({ key: 'first', approvers: [{ user: bob.userName }], ...more });

/** One request, and what routing says of it. */
class Story {
  readonly id = v7();

  constructor(private readonly workflow: Awaited<ReturnType<typeof publish>>) {}

  async submit(more: Partial<JobData<'request.submit.v1'>> = {}): Promise<this> {
    await routing.tell('request.submit.v1', {
      requestId: this.id,
      actor: service,
      workflow: this.workflow,
      title: 'A title',
      reason: null,
      requester: { ...alice, department: null, region: null, approvalLimit: null, groups: [], manager: null },
      payload: { value: { amount: 1 } },
      externalRef: null,
      metadata: {},
      draft: false,
      createdAt: new Date().toISOString(),
      ...more,
    });
    return this;
  }

  /** Answers the newest question about approvers. */
  async resolve(...people: ReturnType<typeof person>[]): Promise<this> {
    const question = (await routing.sent('approvers.resolve.v1'))
      .filter(({ data }) => data.requestId === this.id)
      .at(-1);
    if (!question) throw new Error('nobody was asked for');
    await routing.tell('approvers.resolved.v1', {
      resolutionId: question.data.resolutionId,
      requestId: this.id,
      stageKey: question.data.stageKey,
      approvers: people.map((one) => ({ person: one, why: [], sources: [0] })),
      skipped: [],
      note: null,
    });
    return this;
  }

  async transitions(): Promise<RequestTransitioned[]> {
    return (await routing.sent('request.transitioned.v1'))
      .map(({ data }) => data)
      .filter(({ request }) => request.id === this.id)
      .sort((a, b) => a.request.version - b.request.version);
  }

  /** The newest transition, once one has this event. */
  until(type: string): Promise<RequestTransitioned> {
    return until(async () => {
      const last = (await this.transitions()).at(-1);
      return last?.events.some((event) => event.type === type) && last;
    });
  }

  async settled(commandId: string): Promise<JobData<'command.settled.v1'> | undefined> {
    return (await routing.sent('command.settled.v1')).find(({ data }) => data.commandId === commandId)?.data;
  }

  /** Gives a command, and tells its outcome. */
  async give(
    type: Parameters<Routing['tell']>[0],
    terms: object,
  ): Promise<JobData<'command.settled.v1'> | undefined> {
    const commandId = v7();
    await routing.tell(type, {
      commandId,
      requestId: this.id,
      actor: service,
      expectedVersion: null,
      ...terms,
    } as never);
    return this.settled(commandId);
  }

  async dueAt(): Promise<string | null> {
    const [row] = await routing.sql<{ due_at: Date | null }>('SELECT due_at FROM request WHERE id = $1', [
      this.id,
    ]);
    return row?.due_at?.toISOString() ?? null;
  }
}

const revision = (value: unknown) => ({ title: null, reason: null, payload: { value } });

describe('the payload of a request', () => {
  const payloads = (id: string) =>
    routing.sql<{ revision: number; payload: unknown }>(
      'SELECT revision, payload FROM request_payload WHERE request_id = $1 ORDER BY revision',
      [id],
    );

  it('is edited in place while it is a draft, and is that of the revision that is handed in', async () => {
    const story = await new Story(await publish({ key: 'edits', stages: [stage()] })).submit({ draft: true });
    for (const amount of [2, 3]) await story.give('request.revise.v1', revision({ amount }));
    expect(await payloads(story.id)).toEqual([
      { revision: 1, payload: { amount: 1 } },
      { revision: 2, payload: { amount: 3 } },
    ]);
    await story.give('request.hand-in.v1', {});
    const all = await story.transitions();
    expect(all.map(({ request, revisionPayload }) => [request.revision, revisionPayload])).toEqual([
      [1, { revision: 1, payload: { value: { amount: 1 } } }],
      [1, { revision: 2, payload: { value: { amount: 2 } } }],
      [1, { revision: 2, payload: { value: { amount: 3 } } }],
      [2, null],
    ]);
  });

  it('is the new one for whatever comes later in the same pack', async () => {
    const workflow = await publish({
      key: 'pack',
      stages: [stage({ when: 'payload.amount > 10.0' })],
    });
    const story = await new Story(workflow).submit({ draft: true });
    const command = { requestId: story.id, actor: service, expectedVersion: null };
    const pack = [
      routing.message('request.revise.v1', { ...command, commandId: v7(), ...revision({ amount: 20 }) }),
      routing.message('request.hand-in.v1', { ...command, commandId: v7() }),
    ];
    await routing.send(...pack);
    await routing.handled(...pack);
    const last = (await story.transitions()).at(-1)?.request;
    expect(last).toMatchObject({ version: 3, revision: 2, state: 'submitted' });
    expect((await routing.sent('approvers.resolve.v1')).map(({ data }) => data.requestId)).toContain(
      story.id,
    );
  });

  it('must fit the workflow when it goes to approvers, though it was checked before', async () => {
    const workflow = await publish({
      key: 'fit',
      subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
      stages: [stage()],
    } as never);
    const story = await new Story(workflow).submit({ draft: true });
    expect(await story.give('request.revise.v1', revision({}))).toMatchObject({ refused: null });
    expect(await story.give('request.hand-in.v1', {})).toMatchObject({
      requestVersion: 2,
      refused: { code: 'payload_invalid', pointer: '/payload/amount' },
    });
  });
});

describe('timers', () => {
  it('remind, and expire, at their time and not before', async () => {
    const workflow = await publish({
      key: 'timers',
      stages: [
        stage({
          remind: { after: 'PT1H' },
          sla: 'PT2H',
          expire: { after: 'PT3H', outcome: 'expire' },
        }),
      ],
    });
    const story = await (await new Story(workflow).submit()).resolve(bob);
    const [start] = (await story.transitions()).at(-1)?.request.stages ?? [];
    const at = (hours: number) =>
      new Date(Date.parse(start?.startedAt ?? '') + hours * 3_600_000).toISOString();
    expect(await story.dueAt()).toBe(at(1));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(await routing.sent('request.tick.v1')).toEqual([]);

    routing.pass(3_600_000);
    const reminded = await story.until('task.reminded');
    expect(await story.dueAt()).toBe(at(2));
    routing.pass(3_600_000);
    const overdue = await story.until('task.overdue');
    expect(await story.dueAt()).toBe(at(3));
    routing.pass(3_600_000);
    const expired = await story.until('request.expired');
    expect(await story.dueAt()).toBeNull();

    expect([reminded, overdue, expired].map(({ request }) => request.version)).toEqual([4, 5, 6]);
    expect(expired.request).toMatchObject({ state: 'expired', stages: [{ tasks: [{ state: 'expired' }] }] });
    // What only the decider needs to know stays here.
    const [event] = reminded.events;
    expect(Object.keys(event?.data.task as object)).not.toContain('remindAt');
    expect(await routing.sql('SELECT state FROM outcome WHERE request_id = $1', [story.id])).toEqual([
      { state: 'expired' },
    ]);
  });

  it('that ring too early change nothing, and are not lost', async () => {
    const workflow = await publish({
      key: 'early',
      stages: [stage({ expire: { after: 'PT1H', outcome: 'cancel' } })],
    });
    const story = await (await new Story(workflow).submit()).resolve(bob);
    const due = await story.dueAt();
    await routing.sql(`UPDATE request SET due_at = now() + interval '1 day' WHERE id = $1`, [story.id]);
    await routing.tell('request.tick.v1', { requestId: story.id });
    expect((await story.transitions()).at(-1)?.request.version).toBe(3);
    expect(await story.dueAt()).toBe(due);
    routing.pass(3_600_000);
    expect((await story.until('request.canceled')).request.state).toBe('canceled');
  });
});

describe('a command', () => {
  it('moves a request to another version once routing has it', async () => {
    const workflow = await publish({ key: 'versions', stages: [stage()] });
    const story = await (await new Story(workflow).submit()).resolve(bob);
    const commandId = v7();
    const migrate = routing.message('request.migrate.v1', {
      commandId,
      requestId: story.id,
      actor: service,
      expectedVersion: null,
      workflowVersion: 2,
    });
    await routing.send(migrate);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await story.settled(commandId)).toBeUndefined();
    await publish({ key: 'versions', stages: [stage(), stage({ key: 'second' })] }, 2, workflow.id);
    await routing.handled(migrate);
    expect(await story.settled(commandId)).toMatchObject({ refused: null });
    expect((await story.transitions()).at(-1)?.request).toMatchObject({
      workflow: { version: 2 },
      totalStages: 2,
      stages: [
        { state: 'active', tasks: [{ state: 'open' }] },
        { key: 'second', state: 'pending' },
      ],
    });
    expect(
      await story.give('request.override.v1', { outcome: 'approved', reason: 'The house is on fire.' }),
    ).toMatchObject({ refused: null });
    expect((await story.transitions()).at(-1)?.request).toMatchObject({
      state: 'completed',
      overridden: true,
    });
  });

  it('on a request that has ended may still leave something in its trail', async () => {
    const story = await new Story(await publish({ key: 'ended', stages: [stage()] })).submit();
    await story.give('request.cancel.v1', { reason: 'no use' });
    expect(await story.give('request.comment.v1', { commentId: v7(), text: 'A pity.' })).toMatchObject({
      refused: null,
    });
    expect((await story.transitions()).at(-1)).toMatchObject({
      request: { state: 'canceled' },
      events: [{ type: 'request.commented', data: { text: 'A pity.' } }],
    });
  });

  it('that comes too soon is told when it may come again', async () => {
    const story = await (
      await new Story(await publish({ key: 'soon', stages: [stage()] })).submit()
    ).resolve(bob);
    const taskId = (await story.transitions()).at(-1)?.request.stages[0]?.tasks[0]?.id;
    expect(await story.give('task.remind.v1', { taskId })).toMatchObject({ refused: null });
    const refused = await story.give('task.remind.v1', { taskId });
    expect(refused?.refused).toMatchObject({ code: 'rate_limited', retryAfter: expect.any(Number) });
    expect(refused?.refused?.retryAfter).toBeGreaterThan(3_500);
  });
});

describe('people who leave', () => {
  it('lose their open tasks, and the sources are asked again', async () => {
    const story = await (
      await new Story(await publish({ key: 'leavers', stages: [stage()] })).submit()
    ).resolve(bob);
    await routing.tell('directory.changed.v1', { people: [], deleted: [bob.id] });
    await until(
      async () =>
        (await routing.sent('approvers.resolve.v1')).filter(({ data }) => data.requestId === story.id)
          .length === 2,
    );
    await story.resolve(carol);
    const last = (await story.transitions()).at(-1)?.request;
    expect(last?.stages[0]?.tasks.map(({ state, assignee }) => [state, assignee.displayName])).toEqual([
      ['canceled', 'bob'],
      ['open', 'carol'],
    ]);
    expect(await routing.sql('SELECT person_id FROM asked_person WHERE request_id = $1', [story.id])).toEqual(
      [{ person_id: carol.id }],
    );
  });
});
