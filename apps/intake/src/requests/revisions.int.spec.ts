import type { RequestSnapshot } from '@countersign/contracts';
import { until } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';

const workflow = {
  key: 'purchase',
  subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
  stages: [{ key: 'first', approvers: [{ user: 'bob@test' }] }],
};

let intake: Intake;
let bob: Awaited<ReturnType<Intake['meet']>>;

beforeAll(async () => {
  intake = await createIntake();
  await intake.meet('alice@test');
  bob = await intake.meet('bob@test');
  const draft = await intake.call('POST', '/v1/workflows', workflow);
  await intake.call('POST', `/v1/workflows/purchase/versions/${draft.body.version}/publish`, {});
});
afterAll(() => intake.stop());

const submit = async (more: object = {}) => {
  const { status, body } = await intake.call('POST', '/v1/requests', {
    workflow: 'purchase',
    title: 'A title',
    requester: 'alice@test',
    payload: { amount: 1 },
    ...more,
  });
  expect(status).toBe(201);
  return body;
};

/** A transition as routing would send it: these changes, and perhaps a payload. */
const transition = (
  before: RequestSnapshot,
  changes: Partial<RequestSnapshot>,
  payload?: { revision: number; value: unknown },
) =>
  intake.message('request.transitioned.v1', {
    request: { ...before, ...changes },
    events: [
      {
        id: v7(),
        type: 'request.edited',
        at: new Date().toISOString(),
        actor: { type: 'system', id: null, via: null },
        taskId: null,
        stageKey: null,
        data: {},
      },
    ],
    revisionPayload: payload ? { revision: payload.revision, payload: { value: payload.value } } : null,
  });

const read = async (id: string) => (await intake.get(`/v1/requests/${id}`)).body;

describe('the payload of a request', () => {
  it('is the newest that came, in whatever order the edits of a revision come', async () => {
    const { id } = await submit({ draft: true });
    const before = await intake.snapshot(id);
    const older = transition(before, { version: 2, payloadRevision: 2 }, { revision: 2, value: 'older' });
    const newer = transition(before, { version: 3, payloadRevision: 2 }, { revision: 2, value: 'newer' });
    await intake.send(newer);
    await intake.handled(newer);
    expect(await read(id)).toMatchObject({ version: 3, payload: 'newer', revision: 1 });
    await intake.send(older);
    await intake.handled(older);
    expect(await read(id)).toMatchObject({ version: 3, payload: 'newer' });
  });

  it('is the newest of several in one pack', async () => {
    const { id } = await submit({ draft: true });
    const before = await intake.snapshot(id);
    const pack = [2, 3, 4].map((version) =>
      transition(before, { version, payloadRevision: 2 }, { revision: 2, value: version }),
    );
    await intake.send(...pack);
    await intake.handled(...pack);
    expect(await read(id)).toMatchObject({ version: 4, payload: 4 });
  });

  it('is waited for by a transition that overtook it', async () => {
    const { id } = await submit();
    const before = await intake.snapshot(id);
    const brings = transition(
      before,
      { version: 2, revision: 2, payloadRevision: 2 },
      { revision: 2, value: { amount: 2 } },
    );
    const overtakes = transition(before, { version: 3, revision: 2, payloadRevision: 2, title: 'Later' });
    await intake.send(overtakes);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await read(id)).toMatchObject({ version: 1, payload: { amount: 1 }, title: 'A title' });
    await intake.send(brings);
    await intake.handled(brings, overtakes);
    expect(await read(id)).toMatchObject({ version: 3, payload: { amount: 2 }, title: 'Later' });
    const { body } = await intake.get('/v1/requests?limit=200');
    expect(body.data.find((request: { id: string }) => request.id === id)).toMatchObject({
      payload: { amount: 2 },
    });
  });
});

describe('a command', () => {
  let id: string;
  beforeAll(async () => ({ id } = await submit()));

  const refusal = async (method: string, path: string, body: unknown, options = {}) => {
    const answer = await intake.call(method, path, body, options);
    return [answer.status, answer.body.code, answer.body.errors?.[0]?.pointer];
  };

  it.each([
    ['nothing at all', {}, [400, 'validation_failed', '']],
    ['an unknown member', { state: 'approved' }, [400, 'validation_failed', '/state']],
    ['no title', { title: null }, [400, 'validation_failed', '/title']],
    ['an empty title', { title: '' }, [400, 'validation_failed', '/title']],
    ['no payload', { payload: null }, [400, 'validation_failed', '/payload']],
    [
      'a payload that does not fit',
      { payload: { amount: 'a' } },
      [422, 'payload_invalid', '/payload/amount'],
    ],
    [
      'a payload that is too large',
      { payload: { amount: 1, x: 'x'.repeat(262_144) } },
      [413, 'payload_too_large', undefined],
    ],
  ])('is refused that changes a request to %s', async (_, body, expected) => {
    expect(await refusal('PATCH', `/v1/requests/${id}`, body)).toEqual(expected);
  });

  it('is refused that overrides, comments or migrates without saying enough', async () => {
    const to = (call: string) => `/v1/requests/${id}/${call}`;
    for (const reason of ['too short', `too${' '.repeat(10)}`, ' '.repeat(10)]) {
      expect(await refusal('POST', to('override'), { outcome: 'approved', reason })).toEqual([
        400,
        'validation_failed',
        '/reason',
      ]);
    }
    expect(await refusal('POST', to('cancel'), { reason: ' ' })).toEqual([
      400,
      'validation_failed',
      '/reason',
    ]);
    expect(await refusal('POST', to('comments'), { text: '\n' })).toEqual([
      400,
      'validation_failed',
      '/text',
    ]);
    expect(await refusal('POST', to('override'), { outcome: 'canceled', reason: 'long enough' })).toEqual([
      400,
      'validation_failed',
      '/outcome',
    ]);
    expect(await refusal('POST', to('comments'), { text: '' })).toEqual([400, 'validation_failed', '/text']);
    expect(await refusal('POST', to('migrate'), { workflowVersion: 99 })).toEqual([
      422,
      'unknown_reference',
      '/workflowVersion',
    ]);
  });

  it('needs its scope, whatever else is wrong', async () => {
    const scopes = ['requests:write', 'tasks:decide'];
    for (const [call, scope] of [
      ['override', 'requests:override'],
      ['migrate', 'workflows:publish'],
    ]) {
      const answer = await intake.call('POST', `/v1/requests/${id}/${call}`, {}, { scopes } as never);
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        403,
        'insufficient_scope',
        expect.stringContaining(scope ?? ''),
      ]);
    }
  });

  it('is refused before its draft is complete only when it is handed in', async () => {
    const draft = await submit({ draft: true });
    const path = `/v1/requests/${draft.id}`;
    const edited = intake.call('PATCH', path, { payload: {} });
    const command = await until(async () => {
      const [row] = await intake.sql<{ envelope: { data: Record<string, unknown> } }>(
        `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'request.revise.v1'
            AND envelope -> 'data' ->> 'requestId' = $1`,
        [draft.id],
      );
      return row;
    });
    expect(command.envelope.data).toMatchObject({ title: null, reason: null, payload: { value: {} } });
    const snapshot = await intake.snapshot(draft.id);
    const done = transition(snapshot, { version: 2, payloadRevision: 2 }, { revision: 2, value: {} });
    const settled = intake.message('command.settled.v1', {
      commandId: String(command.envelope.data.commandId),
      requestId: draft.id,
      requestVersion: 2,
      refused: null,
    });
    await intake.send(done, settled);
    expect(await edited).toMatchObject({ status: 200, body: { version: 2, payload: {} } });
    expect(await refusal('POST', `${path}/submit`, {})).toEqual([422, 'payload_invalid', '/payload/amount']);
  });

  it('says when it may come again', async () => {
    const before = await intake.snapshot(id);
    const taskId = v7();
    const assignee = { ...bob };
    const [stage] = before.stages;
    if (!stage) throw new Error('no stage');
    const task = {
      id: taskId,
      requestId: id,
      stageKey: 'first',
      state: 'open' as const,
      assignee,
      onBehalfOf: null,
      revision: 1,
      dueAt: null,
      decision: null,
      decidedBy: null,
      reasonCode: null,
      comment: null,
      decidedAt: null,
    };
    await intake.tell(
      'request.transitioned.v1',
      transition(before, { version: 2, stages: [{ ...stage, state: 'active', tasks: [task] }] }).data,
    );
    expect(await refusal('POST', `/v1/tasks/${taskId}/reassign`, { to: 'nobody@test' })).toContain(503);
    const reminding = intake.call('POST', `/v1/tasks/${taskId}/remind`, {});
    const command = await until(async () => {
      const [row] = await intake.sql<{ envelope: { data: Record<string, unknown> } }>(
        `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'task.remind.v1'`,
      );
      return row;
    });
    await intake.tell('command.settled.v1', {
      commandId: String(command.envelope.data.commandId),
      requestId: id,
      requestVersion: 2,
      refused: { code: 'rate_limited', detail: 'Once an hour.', pointer: null, retryAfter: 1234 },
    });
    const answer = await reminding;
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      429,
      'rate_limited',
      '1234',
    ]);
  });
});
