import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RequestView, TaskView } from '@countersign/contracts';
import { eventually } from './eventually';
import { expectStatus, type HttpAnswer, type HttpClient, type Json, type Page } from './http-client';
import { createOrganisation, createUser, type Organisation } from './organisation';
import {
  json,
  RecordingServer,
  verified,
  type Behaviour,
  type RecordedCall,
  type Reply,
} from './recording-server';
import { decide, openTasks, order, read, submit, untilState, untilTasks, type Submission } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder, workflowOf } from './workflows';

jest.setTimeout(60_000);

let system: TestSystem;
let outside: RecordingServer;
let client: HttpClient;
let people: Organisation;

beforeAll(async () => {
  outside = await RecordingServer.start();
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
  await publish(client, purchaseOrder);
  expectStatus(
    await client.post('/v1/webhook-endpoints', {
      url: outside.url('/events'),
      events: ['request.*'],
      format: 'standard',
    }),
    201,
  );
});

afterAll(async () => {
  await system?.stop();
  await outside?.stop();
});

const small = (more: Partial<Submission> = {}): Submission => ({
  workflow: 'purchase-order',
  payload: order(10),
  ...more,
});
const large = (): Submission => ({ workflow: 'purchase-order', payload: order(5_000) });

const submitted = (what: Submission) => submit(client, what);

const theTask = async ({ id }: RequestView): Promise<TaskView> => {
  const [task] = await untilTasks(client, id);
  if (!task) throw new Error('no task');
  return task;
};

const code = (answer: HttpAnswer<unknown>) => (answer.body as { code?: string }).code;

/** Types of the events that subscribers of `request.*` got about a request. */
const eventsOf = (id: string): string[] =>
  outside
    .to('/events')
    .map(({ text }) => JSON.parse(text) as { type: string; data: { request: { id: string } } })
    .filter(({ data }) => data.request.id === id)
    .map(({ type }) => type);

const told = (id: string, type: string) =>
  eventually(`the subscriber is told of ${type}`, () => eventsOf(id).includes(type), {
    describe: () => `it knows of ${eventsOf(id).join(', ')}`,
  });

/** Mails that mention a text, as they were sent. */
const mailsAbout = async (text: string): Promise<Json[]> => {
  const { data } = expectStatus(await client.get<Page>('/dev/mail.json?limit=200'), 200);
  return data.filter((mail) => JSON.stringify(mail).includes(text));
};

describe('a request', () => {
  it('is completed by an approval', async () => {
    const request = await submitted(small());
    const done = expectStatus(await decide(client, await theTask(request), 'approve'), 200);
    expect(done).toMatchObject({
      state: 'completed',
      stages: [{ state: 'approved' }, { state: 'skipped', explanation: expect.stringContaining('amount') }],
    });
    await told(request.id, 'request.completed');
  });

  it('is rejected by one rejection, which ends the stage and the stages after it', async () => {
    const request = await submitted(large());
    const task = await theTask(request);
    const rejected = expectStatus(
      await decide(client, task, 'reject', { reasonCode: 'budget', comment: 'Not this year.' }),
      200,
    );
    expect(rejected).toMatchObject({
      state: 'rejected',
      stages: [
        {
          state: 'rejected',
          tasks: [{ state: 'rejected', reasonCode: 'budget', comment: 'Not this year.' }],
        },
        { state: 'canceled' },
      ],
    });
    await told(request.id, 'request.rejected');
    expect(code(await client.post(`/v1/requests/${request.id}/cancel`, { reason: 'late' }))).toBe(
      'invalid_transition',
    );
  });

  it('knows only the reason codes of its workflow', async () => {
    const request = await submitted(small());
    const answer = await decide(client, await theTask(request), 'reject', { reasonCode: 'mood' });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ pointer: '/reasonCode' }] },
    });
    expect(openTasks(await read(client, request.id))).toHaveLength(1);
  });

  it('is returned to its requester, and can be canceled then', async () => {
    const request = await submitted(small());
    const returned = expectStatus(await decide(client, await theTask(request), 'return'), 200);
    expect(returned).toMatchObject({ state: 'returned', stages: [{ state: 'returned' }, {}] });
    await told(request.id, 'request.returned');
    const canceled = await client.post<RequestView>(`/v1/requests/${request.id}/cancel`, {
      reason: 'no use',
    });
    expect(canceled).toMatchObject({ status: 200, body: { state: 'canceled' } });
  });

  it('is canceled while it waits, and takes its open tasks with it', async () => {
    const request = await submitted(small());
    const task = await theTask(request);
    const canceled = expectStatus(
      await client.post<RequestView>(`/v1/requests/${request.id}/cancel`, { reason: 'a mistake' }),
      200,
    );
    expect(canceled).toMatchObject({
      state: 'canceled',
      stages: [{ state: 'canceled', tasks: [{ state: 'canceled' }] }, { state: 'canceled' }],
    });
    await told(request.id, 'request.canceled');
    expect(code(await decide(client, task, 'approve'))).toBe('task_closed');
    expect(code(await client.post(`/v1/requests/${request.id}/cancel`, { reason: 'again' }))).toBe(
      'invalid_transition',
    );
  });

  it('is canceled right after it was taken, before it is anywhere', async () => {
    const request = await submitted(small());
    const answer = await client.post(`/v1/requests/${request.id}/cancel`, { reason: 'at once' });
    expect(answer).toMatchObject({ status: 200, body: { state: 'canceled' } });
  });

  it('keeps what its answer said: when it was handed in', async () => {
    const answered = await submitted(small());
    const later = await untilState(client, answered.id, 'pending_review');
    expect([later.createdAt, later.submittedAt]).toEqual([answered.createdAt, answered.submittedAt]);
  });

  it('is still at the version of its answer as a draft, once every service has it', async () => {
    const draft = await submitted(small({ draft: true }));
    await eventually('the log has it', async () => {
      const { body } = await client.get<Page>(`/v1/audit/entries?requestId=${draft.id}`);
      return body.data.length > 0;
    });
    expect(await read(client, draft.id)).toEqual(draft);
    const ifMatch = { headers: { 'if-match': '"1"' } };
    expectStatus(await client.post(`/v1/requests/${draft.id}/submit`, {}, ifMatch), 200);
  });

  it('waits as a draft until it is submitted', async () => {
    const draft = await submitted(small({ draft: true, payload: {} }));
    expect(draft).toMatchObject({ state: 'draft', submittedAt: null });
    const incomplete = await client.post(`/v1/requests/${draft.id}/submit`, {});
    expect(incomplete).toMatchObject({ status: 422, body: { code: 'payload_invalid' } });

    const complete = await submitted(small({ draft: true }));
    const answer = await client.post<RequestView>(`/v1/requests/${complete.id}/submit`, {});
    expect(answer.status).toBe(200);
    expect(['submitted', 'pending_review']).toContain(answer.body.state);
    await theTask(complete);
    const again = await client.post(`/v1/requests/${complete.id}/submit`, {});
    expect([again.status, code(again)]).toEqual([409, 'invalid_transition']);
  });
});

describe('who approves', () => {
  /** One stage with these further lines; `key` is also the workflow’s. */
  const stage = async (key: string, ...lines: string[]) => {
    await publish(client, workflowOf(key, [`  - key: ${key}`, ...lines].map((line) => `${line}\n`).join('')));
    return submitted({ workflow: key });
  };

  it('is everybody of `all`, and one rejection is enough', async () => {
    const request = await stage('everybody', '    approvers: [ { group: finance } ]', '    quorum: all');
    const tasks = await untilTasks(client, request.id, 3);
    const [first, second] = tasks;
    if (!first || !second) throw new Error('no tasks');
    expect(expectStatus(await decide(client, first, 'approve'), 200).state).toBe('pending_review');
    const rejected = expectStatus(await decide(client, second, 'reject'), 200);
    expect(rejected).toMatchObject({ state: 'rejected' });
    expect(rejected.stages[0]?.tasks.map(({ state }) => state).sort()).toEqual([
      'approved',
      'canceled',
      'rejected',
    ]);
  });

  it('is each person once, however many sources name them', async () => {
    const request = await stage(
      'joined',
      '    approvers: [ { user: carol@example.com }, { group: finance }, { user: CAROL@example.com } ]',
    );
    expect(await untilTasks(client, request.id, 3)).toHaveLength(3);
  });

  it('is never the requester with `selfApproval: forbid`', async () => {
    const request = await stage(
      'not-self',
      '    approvers: [ { user: alice@example.com }, { user: bob@example.com } ]',
    );
    expect((await theTask(request)).assignee.userName).toBe('bob@example.com');
  });

  it('is the requester too with `selfApproval: allow`', async () => {
    const request = await stage(
      'self',
      '    approvers: [ { user: alice@example.com } ]',
      '    selfApproval: allow',
    );
    expect((await theTask(request)).assignee.userName).toBe('alice@example.com');
  });

  it('leaves out the unknown and the inactive', async () => {
    await createUser(client, { userName: 'inactive@example.com', active: false });
    const request = await stage(
      'partly',
      '    approvers: [ { user: nobody@example.com }, { user: inactive@example.com }, { user: bob@example.com } ]',
    );
    expect((await theTask(request)).assignee.userName).toBe('bob@example.com');
  });

  it('is nobody any more who has been deleted: they decide nothing, see nothing and ask for nothing', async () => {
    const gone = await createUser(client, { userName: 'gone@example.com' });
    await publish(client, workflowOf('of-gone', `  - key: only\n    approvers: [ { user: ${gone.id} } ]\n`));
    const task = await theTask(await submitted({ ...small(), workflow: 'of-gone' }));
    expectStatus(await client.delete(`/scim/v2/Users/${gone.id}`), 204);
    const whoami = () => client.as(gone.id).get<Json>('/v1/whoami');
    await eventually('everybody has heard', async () => (await whoami()).status === 403);
    expect(
      await client.as(gone.id).post(`/v1/tasks/${task.id}/decision`, { decision: 'approve' }),
    ).toMatchObject({
      status: 403,
      body: { code: 'unknown_actor' },
    });
    const asked = await client.post('/v1/requests', { title: 'x', ...small(), requester: gone.id });
    expect(asked).toMatchObject({ status: 422, body: { code: 'unknown_reference' } });
    // The name is free again, and means the new person alone.
    const again = await createUser(client, { userName: 'gone@example.com' });
    const me = expectStatus(await client.as('gone@example.com').get<Json>('/v1/whoami'), 200);
    expect(me).toMatchObject({ actor: { id: again.id } });
  });

  it('is nobody: the request fails, and its requester is told by mail and event', async () => {
    const request = await stage('nobody', '    approvers: [ { user: nobody@example.com } ]');
    const failed = await untilState(client, request.id, 'failed');
    expect(failed).toMatchObject({
      failure: {
        code: 'no_approvers',
        stage: 'nobody',
        detail: expect.stringContaining('nobody@example.com'),
      },
      stages: [{ state: 'failed' }],
    });
    await told(request.id, 'request.failed');
    await eventually('a mail to Alice', async () =>
      (await mailsAbout('alice@example.com')).some((mail) => JSON.stringify(mail).includes(request.id)),
    );
  });

  it('is nobody but the requester: that is nobody', async () => {
    const request = await stage('only-self', '    approvers: [ { user: alice@example.com } ]');
    expect((await untilState(client, request.id, 'failed')).failure?.code).toBe('no_approvers');
  });

  it('is nobody, and `onNoApprovers: skip` goes on', async () => {
    const stages = [
      '  - key: empty\n    approvers: [ { user: nobody@example.com } ]\n    onNoApprovers: skip\n',
      '  - key: next\n    approvers: [ { user: bob@example.com } ]\n',
    ];
    await publish(client, workflowOf('skipping', stages.join('')));
    const request = await submitted({ workflow: 'skipping' });
    expect((await theTask(request)).stageKey).toBe('next');
    expect((await read(client, request.id)).stages[0]?.state).toBe('skipped');
  });

  it('is nobody, and `onNoApprovers: approve` approves', async () => {
    const request = await stage(
      'lenient',
      '    approvers: [ { user: nobody@example.com } ]',
      '    onNoApprovers: approve',
    );
    const done = await untilState(client, request.id, 'completed');
    expect(done.stages[0]).toMatchObject({ state: 'approved', tasks: [] });
  });

  it('is nobody, and `onNoApprovers: {fallback}` asks others', async () => {
    const request = await stage(
      'fallback',
      '    approvers: [ { user: nobody@example.com } ]',
      '    onNoApprovers: { fallback: [ { user: dave@example.com } ] }',
    );
    expect((await theTask(request)).assignee.userName).toBe('dave@example.com');
  });

  it('is nobody in the fallback either: the request fails', async () => {
    const request = await stage(
      'no-fallback',
      '    approvers: [ { user: nobody@example.com } ]',
      '    onNoApprovers: { fallback: [ { group: no such group } ] }',
    );
    expect((await untilState(client, request.id, 'failed')).failure?.code).toBe('no_approvers');
  });

  it('has no stage that applies: `onNoStage` fails or approves', async () => {
    const never =
      '  - key: never\n    when: payload.amount > 1000\n    approvers: [ { user: bob@example.com } ]\n';
    const subject =
      'subject: { type: object, required: [amount], properties: { amount: { type: number } } }\n';
    await publish(client, workflowOf('no-stage', never, subject));
    await publish(client, workflowOf('no-stage-fine', never, `${subject}onNoStage: approve\n`));
    const [fails, passes] = [
      await submitted({ workflow: 'no-stage', payload: { amount: 1 } }),
      await submitted({ workflow: 'no-stage-fine', payload: { amount: 1 } }),
    ];
    expect((await untilState(client, fails.id, 'failed')).failure).toMatchObject({ code: 'no_stage' });
    await untilState(client, passes.id, 'completed');
    await told(fails.id, 'request.failed');
  });

  it('cannot be said when a condition fails at run time', async () => {
    const stages =
      '  - key: odd\n    when: 100 / int(payload.parts) > 3\n    approvers: [ { user: bob@example.com } ]\n';
    const subject = 'subject: { type: object, required: [parts], properties: { parts: { type: number } } }\n';
    await publish(client, workflowOf('dividing', stages, subject));
    const request = await submitted({ workflow: 'dividing', payload: { parts: 0 } });
    const failed = await untilState(client, request.id, 'failed');
    expect(failed.failure).toMatchObject({ code: 'expression_error', stage: 'odd' });
    await told(request.id, 'request.failed');
  });
});

describe('an EasyLife resolver', () => {
  let secret: string;
  let workflows = 0;

  beforeAll(async () => {
    const answer = await client.post<{ secret: string }>('/v1/resolver-secret/rotate', {});
    expect([200, 201]).toContain(answer.status);
    secret = answer.body.secret;
  });

  /** A request whose one stage asks a resolver that behaves like this. */
  const ask = async (
    behaviour: Behaviour,
    { timeout = 'PT1S', payload = {} as unknown, more = '' } = {},
  ): Promise<{ request: RequestView; calls: () => readonly RecordedCall[] }> => {
    const key = `resolver-${++workflows}`;
    outside.behave(`/${key}`, behaviour);
    const webhook = `{ webhook: { url: "${outside.url(`/${key}`)}", format: easylife, timeout: ${timeout} } }`;
    await publish(client, workflowOf(key, `  - key: owner\n    approvers: [ ${webhook} ]\n${more}`));
    const request = await submit(client, { workflow: key, title: 'A guest', reason: 'Project', payload });
    return { request, calls: () => outside.to(`/${key}`) };
  };

  const failsFor = async (request: RequestView, why: RegExp | null = null) => {
    const failed = await untilState(client, request.id, 'failed');
    expect(failed.failure).toMatchObject({ code: 'no_approvers', stage: 'owner' });
    if (why) expect(failed.failure?.detail).toMatch(why);
    await told(request.id, 'request.failed');
    await eventually('a mail to the requester', async () =>
      (await mailsAbout(request.id)).some((mail) => JSON.stringify(mail).includes('alice@example.com')),
    );
  };

  it('gets the document’s own request, embedded and signed, and answers ids', async () => {
    const document = readFileSync(path.join(__dirname, 'fixtures', 'easylife-approver-request.json'), 'utf8');
    const { title: _title, reason: _reason, ...example } = JSON.parse(document) as Json;
    const payload = {
      guestRequest: example.guestRequest,
      resourceType: example.resourceType,
      approvalResourceType: example.approvalResourceType,
    };
    const { request, calls } = await ask(() => json([people.bob.externalId]), { payload });
    expect((await theTask(request)).assignee.userName).toBe('bob@example.com');
    const [call] = calls();
    if (!call) throw new Error('no call');
    expect(call.method).toBe('POST');
    expect(call.headers['content-type']).toMatch(/^application\/json/);
    const body = verified<Json>(call, secret);
    expect(body).toEqual({
      ...payload,
      title: 'A guest',
      reason: 'Project',
      requestorId: people.alice.externalId,
      participants: [people.alice.externalId],
      stage: 0,
      totalStages: 1,
      state: 1,
      Key: expect.stringMatching(/^[0-9a-f-]{36}$/),
      TenantId: request.workspaceId,
    });
    expect(Object.keys(body).sort()).toEqual(Object.keys(JSON.parse(document) as Json).sort());
  });

  it('cannot be told otherwise by members of the payload', async () => {
    const payload = { title: 'forged', state: 7, TenantId: 'forged', requestorId: 'forged', kept: true };
    const { request, calls } = await ask(() => json([people.bob.id]), { payload });
    await theTask(request);
    expect(JSON.parse(calls()[0]?.text ?? '{}')).toMatchObject({
      title: 'A guest',
      state: 1,
      TenantId: request.workspaceId,
      requestorId: people.alice.externalId,
      kept: true,
    });
  });

  it('may name ids that nobody knows: those are skipped', async () => {
    const unknown = '974d3b91-22dd-4851-9987-10ebbfb08737';
    const { request } = await ask(() => json([unknown, people.bob.externalId, people.carol.id]));
    const tasks = await untilTasks(client, request.id, 2);
    expect(tasks.map(({ assignee }) => assignee.userName).sort()).toEqual([
      'bob@example.com',
      'carol@example.com',
    ]);
  });

  it('may name nobody that is known: the request fails, and the requester is told', async () => {
    const { request } = await ask(() =>
      json(['974d3b91-22dd-4851-9987-10ebbfb08737', 'bb87b3cf-9d8e-4dfc-b9e6-aba0f9b4acb7']),
    );
    await failsFor(request, /974d3b91-22dd-4851-9987-10ebbfb08737/);
  });

  it('that answers 500 and then ids is asked again, with the same Key', async () => {
    const { request, calls } = await ask((_, nth) => (nth < 3 ? { status: 500 } : json([people.bob.id])));
    await theTask(request);
    expect(calls()).toHaveLength(3);
    const keys = calls().map(({ text }) => (JSON.parse(text) as Json).Key);
    expect(new Set(keys).size).toBe(1);
  });

  it('that answers 500 for good is given up after four calls', async () => {
    const { request, calls } = await ask(() => ({ status: 500 }));
    await failsFor(request, /500/);
    expect(calls()).toHaveLength(4);
  });

  it('that asks for patience with 429 is asked again', async () => {
    const { request, calls } = await ask((_, nth) => (nth === 1 ? { status: 429 } : json([people.bob.id])));
    await theTask(request);
    expect(calls()).toHaveLength(2);
  });

  it('that is slow, but in time, is waited for', async () => {
    const { request } = await ask(() => ({ ...json([people.bob.id]), afterMs: 700 }));
    await theTask(request);
  });

  it('that is too slow is asked again, and given up', async () => {
    const { request, calls } = await ask(() => ({ hang: true }), { timeout: 'PT0.5S' });
    await failsFor(request);
    expect(calls()).toHaveLength(4);
  });

  it('that does not listen is tried again, and given up', async () => {
    const webhook = '{ webhook: { url: "http://127.0.0.1:9/", format: easylife } }';
    await publish(client, workflowOf('deaf', `  - key: owner\n    approvers: [ ${webhook} ]\n`));
    await failsFor(await submitted({ workflow: 'deaf' }));
  });

  const atOnce: [string, Reply][] = [
    ['garbage', { status: 200, headers: { 'content-type': 'application/json' }, body: '[{"id":' }],
    ['HTML', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Please log in</html>' }],
    ['an empty list', json([])],
    ['no list', json({ approvers: ['bob@example.com'] })],
    ['a list of other things', json([1, null, {}])],
    ['10,000 ids', json(Array.from({ length: 10_000 }, (_, n) => `user-${n}`))],
    ['more than 1 MiB', json(['x'.repeat(1024 * 1024)])],
    ['204 without a body', { status: 204 }],
    ['400', { status: 400 }],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }],
  ];
  it.each(atOnce)('that answers %s counts as nobody at once', async (_, reply) => {
    const { request, calls } = await ask(() => reply);
    await failsFor(request);
    expect(calls()).toHaveLength(1);
    const { data } = (await client.get<Page>(`/v1/requests/${request.id}/timeline`)).body;
    expect(data.find(({ type }) => type === 'request.failed')).toBeDefined();
  });

  it('does not delay another one by being slow', async () => {
    const slow = await Promise.all(
      Array.from({ length: 5 }, () => ask(() => ({ hang: true }), { timeout: 'PT10S' })),
    );
    const startedAt = Date.now();
    const { request } = await ask(() => json([people.bob.id]));
    await theTask(request);
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    for (const { request: waiting } of slow) {
      expect((await read(client, waiting.id)).state).toBe('submitted');
      await client.post(`/v1/requests/${waiting.id}/cancel`, { reason: 'the test is over' });
    }
  });

  it('may answer after the request was canceled: nothing comes of it', async () => {
    const { request, calls } = await ask(() => ({ ...json([people.bob.id]), afterMs: 600 }));
    await eventually('the resolver is asked', () => calls().length === 1);
    expect((await client.post(`/v1/requests/${request.id}/cancel`, { reason: 'at once' })).status).toBe(200);
    await eventually('the resolver has answered', () => calls()[0]?.status === 200);
    expect(await read(client, request.id)).toMatchObject({ state: 'canceled', stages: [{ tasks: [] }] });
  });

  it('is asked only when its stage starts', async () => {
    const key = 'late-resolver';
    outside.behave(`/${key}`, () => json([people.carol.id]));
    const webhook = `{ webhook: { url: "${outside.url(`/${key}`)}", format: easylife } }`;
    const stages = [
      '  - key: first\n    approvers: [ { user: bob@example.com } ]\n',
      `  - key: second\n    approvers: [ ${webhook} ]\n`,
    ];
    await publish(client, workflowOf(key, stages.join('')));
    const request = await submitted({ workflow: key });
    const first = await theTask(request);
    expect(outside.to(`/${key}`)).toHaveLength(0);
    expectStatus(await decide(client, first, 'approve'), 200);
    expect((await theTask(request)).assignee.userName).toBe('carol@example.com');
    expect(JSON.parse(outside.to(`/${key}`)[0]?.text ?? '{}')).toMatchObject({ stage: 1, totalStages: 2 });
  });
});

describe('at the same time', () => {
  it('the same POST 50 times makes one request and 50 equal answers', async () => {
    const externalRef = 'fifty';
    const body = { ...small({ externalRef }), title: 'once', requester: 'alice@example.com' };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        client.post<RequestView>('/v1/requests', body, { idempotencyKey: 'fifty' }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const first = answers.filter(({ headers }) => headers['idempotency-replayed'] !== 'true');
    expect(first).toHaveLength(1);
    expect((await client.get<Page>(`/v1/requests?externalRef=${externalRef}`)).body.data).toHaveLength(1);
  });

  it('the same decision 50 times is one decision and 50 equal answers', async () => {
    const request = await submitted(small());
    const task = await theTask(request);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        client
          .as('bob@example.com')
          .post(`/v1/tasks/${task.id}/decision`, { decision: 'approve' }, { idempotencyKey: 'same' }),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  it('a double click without a key has one winner and a clear 409', async () => {
    for (let n = 0; n < 10; n++) {
      const request = await submitted(small());
      const task = await theTask(request);
      const answers = await Promise.all([
        decide(client, task, 'approve'),
        decide(client, task, n % 2 ? 'approve' : 'reject'),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const [winner, loser] = answers.sort((one, other) => one.status - other.status);
      expect(code(loser as HttpAnswer)).toBe('task_closed');
      const now = await read(client, request.id);
      expect(now.state).toBe(winner?.body.state);
      expect(['completed', 'rejected']).toContain(now.state);
    }
  });

  it('two approvers deciding the last open quorum have one that completes it', async () => {
    for (let n = 0; n < 5; n++) {
      const request = await submitted(large());
      expectStatus(await decide(client, await theTask(request), 'approve'), 200);
      const [one, two, three] = await untilTasks(client, request.id, 3);
      if (!one || !two || !three) throw new Error('no tasks');
      expectStatus(await decide(client, one, 'approve'), 200);
      const answers = await Promise.all([decide(client, two, 'approve'), decide(client, three, 'approve')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(code(answers.find(({ status }) => status === 409) as HttpAnswer)).toBe('task_closed');
      const now = await read(client, request.id);
      expect(now).toMatchObject({ state: 'completed', stages: [{}, { quorum: { received: 2 } }] });
    }
  });

  it('an approval and a rejection by two approvers leave one outcome', async () => {
    await publish(
      client,
      workflowOf(
        'either',
        '  - key: only\n    approvers: [ { user: bob@example.com }, { user: carol@example.com } ]\n',
      ),
    );
    for (let n = 0; n < 5; n++) {
      const request = await submitted({ workflow: 'either' });
      const [one, two] = await untilTasks(client, request.id, 2);
      if (!one || !two) throw new Error('no tasks');
      const answers = await Promise.all([decide(client, one, 'approve'), decide(client, two, 'reject')]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const approvedWon = answers[0]?.status === 200;
      expect((await read(client, request.id)).state).toBe(approvedWon ? 'completed' : 'rejected');
    }
  });

  it('a decision and a cancel have one winner and a clear 409', async () => {
    for (let n = 0; n < 10; n++) {
      const request = await submitted(small());
      const task = await theTask(request);
      const cancel = () =>
        client.post<RequestView>(`/v1/requests/${request.id}/cancel`, { reason: 'changed my mind' });
      const approve = () => decide(client, task, 'approve');
      const [decision, cancellation] =
        n % 2
          ? await Promise.all([approve(), cancel()])
          : await Promise.all([cancel(), approve()]).then(([late, early]) => [early, late] as const);
      expect([decision.status, cancellation.status].sort()).toEqual([200, 409]);
      const { state } = await read(client, request.id);
      if (decision.status === 200) {
        expect(state).toBe('completed');
        expect(code(cancellation)).toBe('invalid_transition');
      } else {
        expect(state).toBe('canceled');
        expect(code(decision)).toBe('task_closed');
      }
    }
  });
});

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
