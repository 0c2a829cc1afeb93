import type { RequestView, TaskView } from '@countersign/contracts';
import { eventually } from './eventually';
import { expectStatus, type HttpAnswer, type HttpClient, type Json, type Page } from './http-client';
import { createGroup, createOrganisation, createUser, type Organisation } from './organisation';
import { decide, openTasks, order, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder, workflowOf } from './workflows';

jest.setTimeout(60_000);

let system: TestSystem;
let client: HttpClient;
let people: Organisation;

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
  await publish(client, purchaseOrder);
});

afterAll(() => system?.stop());

const code = (answer: HttpAnswer<unknown>) => (answer.body as { code?: string }).code;
const pointers = (answer: HttpAnswer<unknown>) =>
  (answer.body as { errors?: { pointer: string }[] }).errors?.map(({ pointer }) => pointer);

const small = (more: Json = {}) =>
  submit(client, { workflow: 'purchase-order', payload: order(10), ...more });

const theTask = async (id: string): Promise<TaskView> => {
  const [task] = await untilTasks(client, id);
  if (!task) throw new Error('no task');
  return task;
};

/** A request of a workflow with one stage that asks Bob, with these further lines. */
const asksBob = async (key: string, ...lines: string[]): Promise<RequestView> => {
  const stage = [`  - key: ${key}`, '    approvers: [ { user: bob@example.com } ]', ...lines];
  await publish(client, workflowOf(key, stage.map((line) => `${line}\n`).join('')));
  return submit(client, { workflow: key });
};

const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  client.patch<RequestView>(`/v1/requests/${id}`, body, { headers });

const to = <Body = RequestView>(id: string, call: string, body: unknown = {}) =>
  client.post<Body>(`/v1/requests/${id}/${call}`, body);

const timelineOf = async (id: string): Promise<{ type: string; actor: Json; detail: Json }[]> =>
  expectStatus(
    await client.get<Page<{ type: string; actor: Json; detail: Json }>>(
      `/v1/requests/${id}/timeline?limit=200`,
    ),
    200,
  ).data;

describe('a change of a request', () => {
  it('edits a draft, whatever its payload, and makes one revision when it is handed in', async () => {
    const draft = await small({ draft: true });
    const empty = expectStatus(
      await patch(draft.id, { payload: {}, title: 'Other', reason: 'Why not' }),
      200,
    );
    expect(empty).toMatchObject({
      state: 'draft',
      payload: {},
      title: 'Other',
      reason: 'Why not',
      revision: 1,
      version: 2,
    });
    expect(await read(client, draft.id)).toEqual(empty);
    const incomplete = await to(draft.id, 'submit');
    expect([incomplete.status, code(incomplete)]).toEqual([422, 'payload_invalid']);
    const full = expectStatus(await patch(draft.id, { payload: order(20), reason: null }), 200);
    expect(full).toMatchObject({ payload: order(20), title: 'Other', reason: null, revision: 1, version: 3 });
    const submitted = expectStatus(await to(draft.id, 'submit'), 200);
    expect(submitted).toMatchObject({ revision: 2, payload: order(20) });
    expect((await theTask(draft.id)).revision).toBe(2);
  });

  it('of a returned one starts another round when it is submitted again, with the old one still to see', async () => {
    const request = await small();
    const first = await theTask(request.id);
    expectStatus(await decide(client, first, 'return', { comment: 'Too few.' }), 200);
    const unfit = await patch(request.id, { payload: { amount: 'many' } });
    expect([unfit.status, code(unfit)]).toEqual([422, 'payload_invalid']);
    expect(pointers(unfit)).toEqual(expect.arrayContaining(['/payload/amount']));
    expect(expectStatus(await patch(request.id, { payload: order(30) }), 200)).toMatchObject({
      state: 'returned',
      revision: 1,
      payload: order(30),
    });
    expect(expectStatus(await to(request.id, 'submit'), 200)).toMatchObject({ revision: 2 });
    const second = await theTask(request.id);
    expect(second).toMatchObject({ revision: 2, assignee: { id: people.bob.id } });
    expect(second.id).not.toBe(first.id);
    const done = expectStatus(await decide(client, second, 'approve'), 200);
    expect(done.state).toBe('completed');
    expect(done.stages[0]?.tasks.map(({ state, revision }) => [state, revision])).toEqual([
      ['returned', 1],
      ['approved', 2],
    ]);
  });

  it('under review makes a revision at once, on which older decisions are refused', async () => {
    const request = await small();
    await theTask(request.id);
    const revised = expectStatus(await patch(request.id, { payload: order(40) }), 200);
    expect(revised).toMatchObject({ state: 'pending_review', revision: 2, payload: order(40) });
    const task = await theTask(request.id);
    const stale = await decide(client, task, 'approve', { revision: 1 });
    expect([stale.status, code(stale)]).toEqual([409, 'stale_revision']);
    expectStatus(await decide(client, task, 'approve', { revision: 2 }), 200);
    const late = await patch(request.id, { title: 'Too late' });
    expect([late.status, code(late)]).toEqual([409, 'invalid_transition']);
  });

  it('is refused in the order of the contract', async () => {
    const request = await small({ draft: true });
    const nothing = await patch(request.id, {});
    expect([nothing.status, code(nothing)]).toEqual([400, 'validation_failed']);
    const unknown = await patch(request.id, { requester: 'bob@example.com' });
    expect([unknown.status, pointers(unknown)]).toEqual([400, ['/requester']]);
    const large = await patch(request.id, { payload: 'x'.repeat(256 * 1024) });
    expect([large.status, code(large)]).toEqual([413, 'payload_too_large']);
    const other = await patch(request.id, { title: 'Mine' }, { 'if-match': '"7"' });
    expect([other.status, code(other)]).toEqual([412, 'version_mismatch']);
    expectStatus(await patch(request.id, { title: 'Mine' }, { 'if-match': '"1"' }), 200);
    const absent = await patch('0192f3a4-7b1c-7d10-8000-000000000000', { nonsense: 1 });
    expect([absent.status, code(absent)]).toEqual([404, 'not_found']);
  });
});

describe('an emergency', () => {
  it.each([
    ['approved', 'completed'],
    ['rejected', 'rejected'],
  ])('override to %s ends the request, marked for ever', async (outcome, state) => {
    const request = await small();
    const task = await theTask(request.id);
    const reason = 'The warehouse burns.';
    const done = expectStatus(await to(request.id, 'override', { outcome, reason }), 200);
    expect(done).toMatchObject({ state, overridden: true });
    expect(openTasks(done)).toEqual([]);
    expect(code(await decide(client, task, 'approve'))).toBe('task_closed');
    expect(await timelineOf(request.id)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'request.overridden',
          detail: expect.objectContaining({ outcome, reason }),
        }),
      ]),
    );
    const again = await to(request.id, 'override', { outcome, reason });
    expect([again.status, code(again)]).toEqual([409, 'invalid_transition']);
  });
});

describe('a task', () => {
  it('is given to somebody else by its assignee only, and then theirs', async () => {
    const request = await small();
    const task = await theTask(request.id);
    const reassign = (actor: string, body: Json) =>
      client.as(actor).post<RequestView>(`/v1/tasks/${task.id}/reassign`, body);
    const nobody = await reassign('bob@example.com', { to: 'nobody@example.com' });
    expect([nobody.status, code(nobody), pointers(nobody)]).toEqual([422, 'unknown_reference', ['/to']]);
    const others = await reassign('carol@example.com', { to: 'dave@example.com' });
    expect([others.status, code(others)]).toEqual([403, 'not_assignee']);
    const answer = expectStatus(
      await reassign('bob@example.com', { to: 'Carol@example.com', reason: 'On leave' }),
      200,
    );
    expect(answer.stages[0]?.tasks.map(({ state, assignee }) => [state, assignee.userName])).toEqual([
      ['reassigned', 'bob@example.com'],
      ['open', 'carol@example.com'],
    ]);
    expect(code(await decide(client, task, 'approve'))).toBe('task_closed');
    const [theirs] = openTasks(answer);
    if (!theirs) throw new Error('no open task');
    expect(expectStatus(await decide(client, theirs, 'approve'), 200).state).toBe('completed');
  });

  it('is reminded of at most once an hour, by its assignee or the requester', async () => {
    const request = await small();
    const task = await theTask(request.id);
    const remind = (actor: string) => client.as(actor).post<TaskView>(`/v1/tasks/${task.id}/remind`, {});
    const foreign = await remind('dave@example.com');
    expect([foreign.status, code(foreign)]).toEqual([403, 'not_assignee']);
    const reminded = expectStatus(await remind('alice@example.com'), 200);
    expect(reminded).toMatchObject({
      id: task.id,
      state: 'open',
      requestTitle: request.title,
      canDecide: false,
    });
    const soon = await remind('bob@example.com');
    expect([soon.status, code(soon)]).toEqual([429, 'rate_limited']);
    expect(Number(soon.headers['retry-after'])).toBeGreaterThan(3_000);
    expect(Number(soon.headers['retry-after'])).toBeLessThanOrEqual(3_600);
  });
});

describe('somebody who is deactivated', () => {
  it('loses the open task, and the stage goes on with those who are left', async () => {
    const [frank, grace] = [
      await createUser(client, { userName: 'frank@example.com' }),
      await createUser(client, { userName: 'grace@example.com' }),
    ];
    await createGroup(client, 'leavers', [frank.id, grace.id]);
    await publish(
      client,
      workflowOf('leaving', '  - key: leaving\n    approvers: [ { group: leavers } ]\n    quorum: all\n'),
    );
    const { id } = await submit(client, { workflow: 'leaving' });
    await untilTasks(client, id, 2);
    expectStatus(
      await client.patch(
        `/scim/v2/Users/${frank.id}`,
        {
          schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
          Operations: [{ op: 'replace', path: 'active', value: false }],
        },
        { headers: { 'content-type': 'application/scim+json' } },
      ),
      200,
    );
    const [task] = await untilTasks(client, id, 1);
    if (!task) throw new Error('no task');
    expect(task.assignee.id).toBe(grace.id);
    const decided = expectStatus(await decide(client, task, 'approve'), 200);
    expect(decided.state).toBe('completed');
    expect(decided.stages[0]?.tasks.map(({ state }) => state).sort()).toEqual(['approved', 'canceled']);
  });
});

describe('a comment', () => {
  it('is created, can be read where it says, and is in the trail of whatever request', async () => {
    const request = await small();
    const alice = client.as('alice@example.com');
    const options = { idempotencyKey: `comment-${request.id}` };
    const comment = () =>
      alice.post<Json>(`/v1/requests/${request.id}/comments`, { text: 'Please hurry.' }, options);
    const [answer, repeated] = [await comment(), await comment()];
    const made = expectStatus(answer, 201);
    expect(made).toEqual({
      id: expect.any(String),
      requestId: request.id,
      text: 'Please hurry.',
      author: { type: 'user', id: people.alice.id, via: expect.any(String) },
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    });
    expect([repeated.status, repeated.body]).toEqual([201, made]);
    expect(expectStatus(await client.get(String(answer.headers.location)), 200)).toEqual(made);
    expectStatus(await to(request.id, 'cancel', { reason: 'no use' }), 200);
    expectStatus(await to<Json>(request.id, 'comments', { text: 'A pity.' }), 201);
    const texts = (await timelineOf(request.id))
      .filter(({ type }) => type === 'request.commented')
      .map(({ detail }) => detail.text);
    expect(texts).toEqual(['Please hurry.', 'A pity.']);
  });
});

describe('a migration', () => {
  it('moves a running request to a version that fits, and to no other', async () => {
    const request = await asksBob('moving');
    const task = await theTask(request.id);
    const bob = '    approvers: [ { user: bob@example.com } ]\n';
    const more = await publish(
      client,
      workflowOf(
        'moving',
        `  - key: moving\n${bob}  - key: more\n    approvers: [ { user: carol@example.com } ]\n`,
      ),
    );
    const renamed = await publish(client, workflowOf('moving', `  - key: renamed\n${bob}`));
    const migrate = (workflowVersion: number) => to(request.id, 'migrate', { workflowVersion });
    const unknown = await migrate(99);
    expect([unknown.status, code(unknown), pointers(unknown)]).toEqual([
      422,
      'unknown_reference',
      ['/workflowVersion'],
    ]);
    const incompatible = await migrate(renamed.version);
    expect([incompatible.status, code(incompatible)]).toEqual([409, 'version_incompatible']);
    expect(incompatible.text).toContain('moving');
    const moved = expectStatus(await migrate(more.version), 200);
    expect(moved).toMatchObject({ workflow: { version: more.version }, totalStages: 2 });
    expectStatus(await decide(client, task, 'approve'), 200);
    const [next] = await untilTasks(client, request.id);
    expect(next).toMatchObject({ stageKey: 'more', assignee: { id: people.carol.id } });
  });
});

describe('the clock', () => {
  it('lets a stage expire that nobody decides', async () => {
    const request = await asksBob('expiring', '    expire: { after: PT2S, outcome: expire }');
    const expired = await untilState(client, request.id, 'expired');
    expect(expired.stages).toMatchObject([{ state: 'expired', tasks: [{ state: 'expired' }] }]);
    const [stage] = expired.stages;
    const tookMs = Date.parse(stage?.endedAt ?? '') - Date.parse(stage?.startedAt ?? '');
    expect(tookMs).toBeGreaterThanOrEqual(2_000);
    expect(tookMs).toBeLessThan(6_000);
  });

  it('reminds until somebody decides, and says once what is overdue', async () => {
    const request = await asksBob(
      'reminding',
      '    sla: PT1S',
      '    remind: { after: PT1S, every: PT1S, max: 2 }',
    );
    const task = await theTask(request.id);
    const rung = await eventually('two reminders, and overdue', async () => {
      const types = (await timelineOf(request.id)).map(({ type }) => type);
      return types.filter((type) => type === 'task.reminded').length === 2 ? types : null;
    });
    expect(rung.filter((type) => type === 'task.overdue')).toHaveLength(1);
    const due = await client.get<Page<TaskView>>(
      `/v1/tasks?requestId=${request.id}&dueBefore=${new Date().toISOString()}`,
    );
    expect(due.body.data.map(({ id }) => id)).toEqual([task.id]);
    expectStatus(await decide(client, task, 'approve'), 200);
  });
});

it('nothing has failed on the way', () => {
  expect(system.faults()).toEqual([]);
});
