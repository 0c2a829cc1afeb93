import { randomUUID } from 'node:crypto';
import type { RequestView } from '@countersign/contracts';
import type { Dispatcher } from 'undici';
import { eventually, pause } from './eventually';
import {
  expectStatus,
  type CallOptions,
  type HttpAnswer,
  type HttpClient,
  type Json,
  type Page,
  type ProblemBody,
} from './http-client';
import { createOrganisation, createUser, type Organisation } from './organisation';
import { RecordingServer } from './recording-server';
import { decide, openTasks, order, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder, workflowOf } from './workflows';

jest.setTimeout(60_000);

/** Small enough to use up, large enough for one test after another. */
const quota = 400;

let system: TestSystem;
let subscribers: RecordingServer;
let admin: HttpClient;
let people: Organisation;
/** A request of 10, waiting for Bob. */
let pending: RequestView;

const nobody = randomUUID();

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  system = await startTestSystem({ env: { COUNTERSIGN_RATE_LIMIT: String(quota) } });
  admin = system.admin;
  people = await createOrganisation(admin);
  await publish(admin, purchaseOrder);
  const { id } = await submit(admin, { workflow: 'purchase-order', payload: order(10) });
  pending = await untilState(admin, id, 'pending_review');
});

afterAll(async () => {
  await system?.stop();
  await subscribers?.stop();
});

const keyWith = async (scopes: string[], more: Json = {}): Promise<HttpClient> => {
  const answer = await admin.post<{ key: string }>('/v1/api-keys', { name: 'test', scopes, ...more });
  return system.caller(expectStatus(answer, 201).key);
};

const taskOf = (request: RequestView) => {
  const [task] = openTasks(request);
  if (!task) throw new Error(`request ${request.id} has no open task`);
  return task;
};

/** A request of 10 that has just reached Bob. */
const another = async () => {
  const { id } = await submit(admin, { workflow: 'purchase-order', payload: order(10) });
  return untilState(admin, id, 'pending_review');
};

const expectProblem = (answer: HttpAnswer<unknown>, status: number, code: string): ProblemBody => {
  const problem = answer.body as ProblemBody;
  expect({ status: answer.status, code: problem?.code, text: answer.text }).toMatchObject({ status, code });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(problem).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  return problem;
};

const pointersOf = ({ errors }: ProblemBody): string[] => (errors ?? []).map(({ pointer }) => pointer).sort();

const newRequest = (more: Json = {}): Json => ({
  workflow: 'purchase-order',
  title: '30 laptops',
  requester: 'alice@example.com',
  payload: order(10),
  ...more,
});

type Route = [method: Dispatcher.HttpMethod, path: string, scope: string];

/** Every route of this version, with an object that does not exist. */
const routes: Route[] = [
  ['POST', '/v1/api-keys', 'admin'],
  ['GET', '/v1/api-keys', 'admin'],
  ['DELETE', `/v1/api-keys/${nobody}`, 'admin'],
  ['POST', '/v1/requests', 'requests:write'],
  ['GET', '/v1/requests', 'requests:read'],
  ['GET', `/v1/requests/${nobody}`, 'requests:read'],
  ['POST', `/v1/requests/${nobody}/submit`, 'requests:write'],
  ['POST', `/v1/requests/${nobody}/cancel`, 'requests:write'],
  ['GET', `/v1/requests/${nobody}/timeline`, 'requests:read'],
  ['GET', '/v1/tasks', 'tasks:read'],
  ['GET', `/v1/tasks/${nobody}`, 'tasks:read'],
  ['POST', `/v1/tasks/${nobody}/decision`, 'tasks:decide'],
  ['GET', `/v1/commands/${nobody}`, 'requests:read'],
  ['POST', '/v1/workflows', 'workflows:write'],
  ['GET', '/v1/workflows', 'workflows:read'],
  ['GET', '/v1/workflows/none', 'workflows:read'],
  ['GET', '/v1/workflows/none/versions', 'workflows:read'],
  ['GET', '/v1/workflows/none/versions/1', 'workflows:read'],
  ['POST', '/v1/workflows/none/versions/1/publish', 'workflows:publish'],
  ['POST', '/v1/resolver-secret/rotate', 'webhooks:write'],
  ['POST', '/v1/webhook-endpoints', 'webhooks:write'],
  ['GET', '/v1/webhook-endpoints', 'webhooks:read'],
  ['GET', `/v1/webhook-endpoints/${nobody}`, 'webhooks:read'],
  ['PATCH', `/v1/webhook-endpoints/${nobody}`, 'webhooks:write'],
  ['DELETE', `/v1/webhook-endpoints/${nobody}`, 'webhooks:write'],
  ['POST', `/v1/webhook-endpoints/${nobody}/rotate-secret`, 'webhooks:write'],
  ['GET', '/v1/event-types', 'webhooks:read'],
  ['GET', '/v1/audit/entries', 'audit:read'],
  ['GET', '/v1/audit/checkpoint', 'audit:read'],
  ['GET', '/v1/audit/verifier-key', 'audit:read'],
  ['GET', '/v1/analytics/cycle-times', 'audit:read'],
  ['GET', '/v1/analytics/throughput', 'audit:read'],
  ['GET', '/v1/analytics/outcomes', 'audit:read'],
  ['GET', '/v1/analytics/bottlenecks', 'audit:read'],
  ['POST', '/v1/analytics/rebuild', 'admin'],
];
const scimRoutes: Route[] = [
  ['POST', '/scim/v2/Users', 'directory:write'],
  ['GET', '/scim/v2/Users', 'directory:read'],
  ['GET', `/scim/v2/Users/${nobody}`, 'directory:read'],
  ['POST', '/scim/v2/Groups', 'directory:write'],
  ['GET', '/scim/v2/Groups', 'directory:read'],
  ['GET', `/scim/v2/Groups/${nobody}`, 'directory:read'],
];

describe('authentication', () => {
  it.each(routes)('%s %s wants a key (401)', async (method, path) => {
    expectProblem(await admin.call(method, path, undefined, { key: null }), 401, 'unauthenticated');
  });

  it.each(scimRoutes)('%s %s wants a key, in SCIM’s words', async (method, path) => {
    const answer = await admin.call<Json>(method, path, undefined, { key: null });
    expect(answer).toMatchObject({
      status: 401,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' },
    });
  });

  it('refuses a key that never was, and one in another scheme', async () => {
    const made = `cs_live_${'x'.repeat(43)}`;
    expectProblem(await admin.get('/v1/whoami', { key: made }), 401, 'unauthenticated');
    const headers = { authorization: `Token ${system.adminKey}` };
    expectProblem(await admin.get('/v1/whoami', { key: null, headers }), 401, 'unauthenticated');
  });

  it('takes the key as HTTP Basic password too', async () => {
    const basic = Buffer.from(`anybody:${system.adminKey}`).toString('base64');
    const answer = await admin.get('/v1/whoami', { key: null, headers: { authorization: `Basic ${basic}` } });
    expect(answer).toMatchObject({ status: 200, body: { key: { scopes: ['admin'] } } });
  });

  it('does not take the identity that only the gateway may sign', async () => {
    const headers = { 'countersign-identity': 'eyJhbGciOiJub25lIn0.e30.' };
    expectProblem(await admin.get('/v1/whoami', { key: null, headers }), 401, 'unauthenticated');
  });

  it('ends a revoked key within 10 s', async () => {
    const { id, key } = expectStatus(
      await admin.post<{ id: string; key: string }>('/v1/api-keys', {
        name: 'short',
        scopes: ['requests:read'],
      }),
      201,
    );
    const caller = system.caller(key);
    expect((await caller.get('/v1/requests?limit=1')).status).toBe(200);
    expect((await admin.delete(`/v1/api-keys/${id}`)).status).toBe(204);
    await eventually(
      'the key is refused',
      async () => (await caller.get('/v1/requests?limit=1')).status === 401,
      { withinMs: 10_000 },
    );
  });

  it('ends a key at its expiry', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const caller = await keyWith(['requests:read'], { expiresAt });
    expect((await caller.get('/v1/whoami')).status).toBe(200);
    await pause(1_700);
    expectProblem(await caller.get('/v1/whoami'), 401, 'unauthenticated');
  });
});

describe('scopes', () => {
  let scopeless: HttpClient;
  beforeAll(async () => {
    scopeless = await keyWith(['requests:override']);
  });

  it.each(routes)('%s %s needs a scope: %s', async (method, path, scope) => {
    const problem = expectProblem(await scopeless.call(method, path), 403, 'insufficient_scope');
    expect(problem.detail).toContain(scope);
  });

  it.each(scimRoutes)('%s %s needs a scope: %s', async (method, path, scope) => {
    const answer = await scopeless.call<Json>(method, path);
    expect(answer).toMatchObject({ status: 403, body: { detail: expect.stringContaining(scope) } });
  });

  it('are enough one at a time', async () => {
    const reader = await keyWith(['requests:read']);
    expect((await reader.get(`/v1/requests/${pending.id}`)).status).toBe(200);
    expectProblem(await reader.get('/v1/tasks'), 403, 'insufficient_scope');
    expectProblem(await reader.post('/v1/requests', newRequest()), 403, 'insufficient_scope');
  });

  it('need act-as for Countersign-Actor', async () => {
    const caller = await keyWith(['requests:read']);
    const problem = expectProblem(
      await caller.as('alice@example.com').get(`/v1/requests/${pending.id}`),
      403,
      'insufficient_scope',
    );
    expect(problem.detail).toContain('act-as');
  });

  it('keep a key that is limited to workflows to those', async () => {
    await publish(
      admin,
      workflowOf('travel', '  - key: only\n    approvers: [ { user: bob@example.com } ]\n'),
    );
    const travel = await keyWith(['admin'], { workflows: ['travel'] });
    expectProblem(await travel.post('/v1/requests', newRequest()), 403, 'workflow_not_allowed');
    expectProblem(await travel.get(`/v1/requests/${pending.id}`), 403, 'workflow_not_allowed');
    expectProblem(await travel.get(`/v1/tasks/${taskOf(pending).id}`), 403, 'workflow_not_allowed');
    expectProblem(await travel.get('/v1/workflows/purchase-order'), 403, 'workflow_not_allowed');
    const own = expectStatus(
      await travel.post<RequestView>('/v1/requests', newRequest({ workflow: 'travel', payload: {} })),
      201,
    );
    const listed = await travel.get<Page<RequestView>>('/v1/requests');
    expect(listed.body.data.map(({ id }) => id)).toEqual([own.id]);
  });

  it('and workspaces belong to the key of COUNTERSIGN_ADMIN_KEY alone', async () => {
    const otherAdmin = await keyWith(['admin']);
    expectProblem(await otherAdmin.get('/v1/workspaces'), 403, 'insufficient_scope');
    const body = { name: 'mine', kind: 'live' };
    expectProblem(await otherAdmin.post('/v1/workspaces', body), 403, 'insufficient_scope');
  });
});

describe('what does not exist', () => {
  const absent = routes.filter(([, path]) => path.includes(nobody) || path.includes('/none'));

  it.each(absent)('%s %s is 404', async (method, path) => {
    expectProblem(await admin.call(method, path, method === 'GET' ? undefined : {}), 404, 'not_found');
  });

  it.each(absent.filter(([, path]) => path.includes(nobody)))(
    '%s %s is 404 with a malformed id too',
    async (method, path) => {
      for (const malformed of ['no-uuid', '1', '%F0%9F%92%A9', `${nobody}0`]) {
        const answer = await admin.call(method, path.replace(nobody, malformed), {});
        expectProblem(answer, 404, 'not_found');
      }
    },
  );

  it.each(scimRoutes.filter(([, path]) => path.includes(nobody)))(
    '%s %s is 404 in SCIM’s words',
    async (method, path) => {
      for (const id of [nobody, 'no-uuid']) {
        const answer = await admin.call<Json>(method, path.replace(nobody, id));
        expect(answer).toMatchObject({ status: 404, body: { status: '404' } });
        expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
      }
    },
  );

  it.each(['/', '/v1', '/v1/', '/v1/nothing', '/v2/requests', '/v1/requests/x/y/z'])(
    'GET %s is 404',
    async (path) => {
      expectProblem(await admin.get(path), 404, 'not_found');
    },
  );
});

describe('a body that is wrong', () => {
  const posts: [path: () => string, body: Json][] = [
    [() => '/v1/requests', newRequest()],
    [() => `/v1/requests/${pending.id}/cancel`, { reason: 'no' }],
    [() => `/v1/requests/${pending.id}/submit`, {}],
    [() => `/v1/tasks/${taskOf(pending).id}/decision`, { decision: 'approve' }],
    [() => '/v1/workflows/purchase-order/versions/1/publish', {}],
    [() => '/v1/api-keys', { name: 'x', scopes: ['requests:read'] }],
    [() => '/v1/workspaces', { name: 'x', kind: 'live' }],
    [() => '/v1/webhook-endpoints', { url: 'https://example.com/hook', events: ['*'], format: 'standard' }],
  ];

  it.each(posts)('has an unknown field (POST number %#)', async (path, body) => {
    const answer = await admin.post(path(), { ...body, surprise: 1 });
    const problem = expectProblem(answer, 400, 'validation_failed');
    expect(pointersOf(problem)).toEqual(['/surprise']);
  });

  it.each(posts)('is not JSON (POST number %#)', async (path) => {
    for (const text of ['{', '{"title": }', 'null x', '{"a":1}}'])
      expectProblem(await admin.post(path(), text, { type: 'application/json' }), 400, 'malformed_json');
  });

  it.each(posts)('is no object (POST number %#)', async (path) => {
    for (const value of [[], 'text', 42])
      expectProblem(await admin.post(path(), value), 400, 'validation_failed');
  });

  it.each(posts)('is of another media type (POST number %#)', async (path, body) => {
    const answer = await admin.post(path(), JSON.stringify(body), { type: 'text/plain' });
    expectProblem(answer, 415, 'unsupported_media_type');
  });

  it.each(posts)('has more than 1 MiB (POST number %#)', async (path, body) => {
    const large = { ...body, padding: 'x'.repeat(1024 * 1024) };
    expectProblem(await admin.post(path(), large), 413, 'payload_too_large');
  });

  it('has all its violations named, with pointers from the root', async () => {
    const answer = await admin.post('/v1/requests', {
      workflow: 7,
      title: '',
      metadata: [],
      draft: 'yes',
      'odd/name~': 1,
    });
    const problem = expectProblem(answer, 400, 'validation_failed');
    const pointers = [...new Set(pointersOf(problem))];
    expect(pointers).toEqual(
      ['/workflow', '/title', '/requester', '/payload', '/metadata', '/draft', '/odd~1name~0'].sort(),
    );
    for (const { message } of problem.errors ?? []) expect(message).toMatch(/^\S.*\S$/);
  });

  it('has a payload of more than 256 KiB', async () => {
    const payload = { ...order(10), note: 'x'.repeat(256 * 1024) };
    expectProblem(await admin.post('/v1/requests', newRequest({ payload })), 413, 'payload_too_large');
  });

  it('is taken up to those limits', async () => {
    const payload = { ...order(10), note: 'x'.repeat(255 * 1024) };
    expect((await admin.post('/v1/requests', newRequest({ payload }))).status).toBe(201);
  });

  it('does not change the prototype of anything', async () => {
    const text = JSON.stringify(newRequest()).replace('{', '{"__proto__":{"draft":true},');
    expect((await admin.post('/v1/requests', text, { type: 'application/json' })).status).toBe(400);
  });
});

describe('a query that is wrong', () => {
  const lists = routes
    .filter(([method, path]) => method === 'GET' && !path.includes(nobody) && !path.includes('/none'))
    .map(([, path]) => path)
    .filter((path) => !/checkpoint|verifier-key|event-types/.test(path));

  it.each(lists)('GET %s refuses bad limits, cursors and parameters', async (path) => {
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=ten',
      'limit=1.5',
      'limit=',
      'surprise=1',
      'cursor=%25',
      'cursor=e30',
    ])
      expectProblem(await admin.get(`${path}?${query}`), 400, 'validation_failed');
  });

  it('is refused where no parameter is known either, and nothing is done', async () => {
    const { id } = await another();
    const expectSurprise = (answer: HttpAnswer<unknown>) =>
      expect(pointersOf(expectProblem(answer, 400, 'validation_failed'))).toEqual(['/query/surprise']);
    const alone = ['/v1/whoami', `/v1/requests/${id}`, '/v1/audit/checkpoint', '/v1/event-types'];
    for (const path of alone) expectSurprise(await admin.get(`${path}?surprise=1`));
    const externalRef = 'never taken';
    for (const path of ['/v1/requests', '/v1/api-keys', '/v1/webhook-endpoints', `/v1/requests/${id}/cancel`])
      expectSurprise(await admin.post(`${path}?surprise=1`, newRequest({ externalRef })));
    expect(
      (await admin.get<Page>(`/v1/requests?externalRef=${encodeURIComponent(externalRef)}`)).body.data,
    ).toEqual([]);
  });

  it('refuses the cursor of another list', async () => {
    await another();
    const page = await admin.get<Page>('/v1/requests?limit=1');
    const cursor = encodeURIComponent(page.body.nextCursor ?? '');
    expectProblem(await admin.get(`/v1/tasks?cursor=${cursor}`), 400, 'validation_failed');
  });

  it('refuses filters that can match nothing', async () => {
    expectProblem(await admin.get('/v1/requests?state=done'), 400, 'validation_failed');
    expectProblem(await admin.get('/v1/requests?createdAfter=yesterday'), 400, 'validation_failed');
    expectProblem(await admin.get('/v1/tasks?requestId=7'), 400, 'validation_failed');
  });
});

describe('a body that does not fit what is there', () => {
  it('has a payload that the workflow refuses, every violation with its pointer', async () => {
    const payload = { amount: 0, region: 'MARS' };
    const answer = await admin.post('/v1/requests', newRequest({ payload }));
    const pointers = pointersOf(expectProblem(answer, 422, 'payload_invalid'));
    expect(pointers).toHaveLength(3);
    expect(pointers).toEqual(expect.arrayContaining(['/payload/amount', '/payload/region']));
  });

  it.each([
    ['/workflow', { workflow: 'none' }],
    ['/workflowVersion', { workflowVersion: 99 }],
    ['/requester', { requester: 'nobody@example.com' }],
  ])('names somebody or something unknown: %s', async (pointer, more) => {
    const answer = await admin.post('/v1/requests', newRequest(more));
    expect(pointersOf(expectProblem(answer, 422, 'unknown_reference'))).toEqual([pointer]);
  });

  it('is a definition with errors, in plain sentences with pointers', async () => {
    const yaml =
      'key: bad\nstages:\n  - key: one\n    when: payload.amount >\n    approvers: []\n    surprise: 1\n';
    const answer = await admin.post('/v1/workflows', yaml, { type: 'application/yaml' });
    const problem = expectProblem(answer, 422, 'definition_invalid');
    expect(pointersOf(problem)).toEqual(
      expect.arrayContaining(['/stages/0/approvers', '/stages/0/surprise']),
    );
  });
});

describe('a call with several things wrong', () => {
  let stranger: HttpClient;
  beforeAll(async () => {
    stranger = await keyWith(['requests:override', 'act-as']);
  });

  it('is refused for its key first', async () => {
    expectProblem(await admin.get(`/v1/requests/${nobody}`, { key: null }), 401, 'unauthenticated');
  });

  it('then for the scope', async () => {
    const path = `/v1/requests/${nobody}/cancel`;
    expectProblem(await stranger.post(path, '{', { type: 'application/json' }), 403, 'insufficient_scope');
  });

  it('then for what is not there', async () => {
    const path = `/v1/requests/${nobody}/cancel`;
    expectProblem(await admin.post(path, '{', { type: 'application/json' }), 404, 'not_found');
    expectProblem(await admin.post(path, { surprise: 1 }), 404, 'not_found');
  });

  it('then for the form of its body', async () => {
    const body = newRequest({ payload: {}, requester: 'nobody@example.com', surprise: 1 });
    expectProblem(await admin.as('ghost').post('/v1/requests', body), 400, 'validation_failed');
  });

  it('then for what the body says', async () => {
    const body = newRequest({ payload: {} });
    expectProblem(await admin.as('ghost').post('/v1/requests', body), 422, 'payload_invalid');
  });

  it('then for the person', async () => {
    const headers = { 'if-match': '"999"' };
    const path = `/v1/tasks/${taskOf(pending).id}/decision`;
    const approve = { decision: 'approve' };
    expectProblem(await admin.as('ghost').post(path, approve, { headers }), 403, 'unknown_actor');
    expectProblem(await admin.as('carol@example.com').post(path, approve, { headers }), 403, 'not_assignee');
  });

  it('then for the version, and for the state last', async () => {
    const request = await another();
    expectStatus(await admin.post(`/v1/requests/${request.id}/cancel`, { reason: 'a test' }), 200);
    const again = (headers: Record<string, string>) =>
      admin.post(`/v1/requests/${request.id}/cancel`, { reason: 'a test' }, { headers });
    expectProblem(await again({ 'if-match': '"1"' }), 412, 'version_mismatch');
    const { headers } = await admin.get(`/v1/requests/${request.id}`);
    expectProblem(await again({ 'if-match': headers.etag ?? '' }), 409, 'invalid_transition');
  });
});

describe('acting for a person', () => {
  it('is needed to decide', async () => {
    const path = `/v1/tasks/${taskOf(pending).id}/decision`;
    expectProblem(await admin.post(path, { decision: 'approve' }), 400, 'actor_required');
  });

  it('takes an id, an externalId or a userName in any case', async () => {
    for (const ref of [people.bob.id, people.bob.externalId ?? '', 'BOB@example.com']) {
      const answer = await admin.as(ref).get<Json>('/v1/whoami');
      expect(answer.body.actor).toEqual({
        id: people.bob.id,
        userName: 'bob@example.com',
        displayName: 'Bob',
      });
    }
  });

  it('refuses a person that nobody knows', async () => {
    expectProblem(await admin.as('ghost').get('/v1/whoami'), 403, 'unknown_actor');
    expectProblem(await admin.as(nobody).post('/v1/requests', newRequest()), 403, 'unknown_actor');
  });

  it('refuses a person who is not active any more', async () => {
    await createUser(admin, { userName: 'gone@example.com', active: false });
    expectProblem(await admin.as('gone@example.com').get('/v1/whoami'), 403, 'unknown_actor');
    const asked = await admin.post('/v1/requests', newRequest({ requester: 'gone@example.com' }));
    expectProblem(asked, 422, 'unknown_reference');
  });

  it('keeps both in the trail, the person and the key', async () => {
    const caller = await keyWith(['requests:read', 'tasks:decide', 'act-as']);
    const { key } = (await caller.get<{ key: { id: string } }>('/v1/whoami')).body;
    const request = await another();
    expectStatus(await decide(caller, taskOf(request), 'approve'), 200);
    const { data } = (await admin.get<Page>(`/v1/requests/${request.id}/timeline`)).body;
    const decided = data.find(({ type }) => type === 'task.decided');
    expect(decided?.actor).toEqual({ type: 'user', id: people.bob.id, via: key.id });
  });

  it('does not narrow what can be read, only what can be decided', async () => {
    const { id } = taskOf(pending);
    const seenBy = async (actor: string) =>
      (await admin.as(actor).get<Json>(`/v1/tasks/${id}`)).body.canDecide;
    expect(await seenBy('bob@example.com')).toBe(true);
    expect(await seenBy('carol@example.com')).toBe(false);
    expect((await admin.get<Json>(`/v1/tasks/${id}`)).body.canDecide).toBe(false);
  });
});

describe('If-Match', () => {
  it('guards a decision by the version that was seen', async () => {
    const request = await another();
    const path = `/v1/tasks/${taskOf(request).id}/decision`;
    const withTag = (tag: string) =>
      admin.as('bob@example.com').post(path, { decision: 'approve' }, { headers: { 'if-match': tag } });
    for (const stale of ['"1"', '"999"', '"never-given"', 'bare'])
      expectProblem(await withTag(stale), 412, 'version_mismatch');
    const seen = await admin.get(`/v1/requests/${request.id}`);
    expect(seen.headers.etag).toBe(`"${request.version}"`);
    const decided = await withTag(seen.headers.etag ?? '');
    expect(decided.status).toBe(200);
    expect(decided.headers.etag).toBe(`"${(decided.body as RequestView & Json).version}"`);
  });

  it('of * matches whatever is there', async () => {
    const request = await another();
    const answer = await admin.post(
      `/v1/requests/${request.id}/cancel`,
      { reason: 'a test' },
      { headers: { 'if-match': '*' } },
    );
    expect(answer.status).toBe(200);
  });
});

describe('a list', () => {
  it('is newest first and whole, page by page, while others are added', async () => {
    const externalRef = `list-${randomUUID()}`;
    const add = async () => {
      const answer = await admin.post<RequestView>('/v1/requests', newRequest({ externalRef, draft: true }));
      return expectStatus(answer, 201).id;
    };
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push(await add());

    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = `externalRef=${externalRef}&limit=3${cursor ? `&cursor=${cursor}` : ''}`;
      const page: Page<RequestView> = expectStatus(
        await admin.get<Page<RequestView>>(`/v1/requests?${query}`),
        200,
      );
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
      await add();
    } while (cursor);
    expect(seen).toEqual([...ids].reverse());
  });

  it('has exactly as many as asked for, and ends with a null cursor', async () => {
    const externalRef = `exact-${randomUUID()}`;
    for (let n = 0; n < 2; n++)
      expectStatus(await admin.post('/v1/requests', newRequest({ externalRef, draft: true })), 201);
    const list = async (limit: number) =>
      (await admin.get<Page>(`/v1/requests?externalRef=${externalRef}&limit=${limit}`)).body;
    expect((await list(1)).nextCursor).not.toBeNull();
    expect(await list(2)).toMatchObject({ data: [{}, {}], nextCursor: null });
  });

  it('filters', async () => {
    const request = await another();
    const ids = async (query: string) =>
      (await admin.get<Page<RequestView>>(`/v1/requests?${query}`)).body.data.map(({ id }) => id);
    expect(await ids('state=pending_review')).toContain(request.id);
    expect(await ids('state=completed')).not.toContain(request.id);
    expect(await ids('requester=ALICE@example.com&workflow=purchase-order')).toContain(request.id);
    expect(await ids('requester=bob@example.com')).toEqual([]);
    expect(await ids('requester=nobody@example.com')).toEqual([]);
    const { createdAt } = request;
    expect(await ids(`createdAfter=${createdAt}`)).toContain(request.id);
    expect(await ids(`createdBefore=${createdAt}`)).not.toContain(request.id);
    const tasks = await admin.get<Page<{ id: string }>>(`/v1/tasks?requestId=${request.id}&state=open`);
    expect(tasks.body.data.map(({ id }) => id)).toEqual([taskOf(request).id]);
  });

  it('finds what somebody asked for by their id after they have left', async () => {
    const leaver = await createUser(admin, { userName: 'leaver@example.com', displayName: 'Lea Ver' });
    const body = newRequest({ requester: 'leaver@example.com', draft: true });
    const { id } = expectStatus(await admin.post<RequestView>('/v1/requests', body), 201);
    expectStatus(await admin.delete(`/scim/v2/Users/${leaver.id}`), 204);
    const { data } = expectStatus(
      await admin.get<Page<RequestView>>(`/v1/requests?requester=${leaver.id.toUpperCase()}`),
      200,
    );
    expect(data.map((request) => request.id)).toEqual([id]);
  });
});

describe('Idempotency-Key', () => {
  const submitWith = (body: Json, idempotencyKey: string, more: CallOptions = {}, caller = admin) =>
    caller.post<RequestView>('/v1/requests', body, { idempotencyKey, ...more });

  const countOf = async (externalRef: string) =>
    (await admin.get<Page>(`/v1/requests?externalRef=${externalRef}`)).body.data.length;

  it('gives the first answer again, byte for byte, and does nothing twice', async () => {
    const externalRef = randomUUID();
    const body = newRequest({ externalRef });
    const first = await submitWith(body, 'same');
    expect(first.status).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    await untilState(admin, first.body.id, 'pending_review');
    const again = await submitWith(body, 'same');
    expect(again.status).toBe(201);
    expect(again.text).toBe(first.text);
    expect(again.headers).toMatchObject({
      'idempotency-replayed': 'true',
      location: first.headers.location,
      etag: first.headers.etag,
    });
    expect(await countOf(externalRef)).toBe(1);
  });

  it('is the same with and without quotes', async () => {
    const body = newRequest({ externalRef: randomUUID() });
    const first = await submitWith(body, 'quoted');
    const again = await submitWith(body, '"quoted"');
    expect(again.body.id).toBe(first.body.id);
  });

  it('with another body is 422', async () => {
    await submitWith(newRequest({ title: 'one' }), 'reused');
    const answer = await submitWith(newRequest({ title: 'two' }), 'reused');
    expectProblem(answer, 422, 'idempotency_key_reused');
  });

  it('belongs to one key, one person, one path', async () => {
    const externalRef = randomUUID();
    const body = newRequest({ externalRef });
    const otherKey = await keyWith(['requests:write', 'act-as']);
    const answers = [
      await submitWith(body, 'scoped'),
      await submitWith(body, 'scoped', {}, otherKey),
      await submitWith(body, 'scoped', { actor: 'alice@example.com' }),
      await submitWith(body, 'scoped', { actor: 'bob@example.com' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(4);
    const [first, second] = [await another(), await another()];
    const cancel = ({ id }: RequestView) =>
      admin.post(`/v1/requests/${id}/cancel`, { reason: 'a test' }, { idempotencyKey: 'scoped' });
    expect((await cancel(first)).status).toBe(200);
    expect((await cancel(second)).status).toBe(200);
  });

  it('has 1 to 255 characters', async () => {
    expectProblem(await submitWith(newRequest(), 'x'.repeat(256)), 400, 'validation_failed');
    expectProblem(await submitWith(newRequest(), '""'), 400, 'validation_failed');
    expect((await submitWith(newRequest(), 'x'.repeat(255))).status).toBe(201);
  });

  it('gives the answer of a decision again, also after the request has gone on', async () => {
    const { id } = await submit(admin, { workflow: 'purchase-order', payload: order(5_000) });
    const [task] = await untilTasks(admin, id);
    if (!task) throw new Error('no task');
    const approve = () =>
      admin
        .as('bob@example.com')
        .post(`/v1/tasks/${task.id}/decision`, { decision: 'approve' }, { idempotencyKey: 'decide' });
    const first = await approve();
    expect(first.status).toBe(200);
    await untilTasks(admin, id, 3);
    const again = await approve();
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });

  it('gives a refusal of a decision again too', async () => {
    const request = await another();
    expectStatus(await decide(admin, taskOf(request), 'approve'), 200);
    const late = () =>
      admin
        .as('bob@example.com')
        .post(`/v1/tasks/${taskOf(request).id}/decision`, { decision: 'reject' }, { idempotencyKey: 'late' });
    expectProblem(await late(), 409, 'task_closed');
    expectProblem(await late(), 409, 'task_closed');
  });

  it('gives a secret again, and keeps it encrypted', async () => {
    const create = (path: string, body: Json) => admin.post<Json>(path, body, { idempotencyKey: 'secret' });
    const key = () => create('/v1/api-keys', { name: 'once', scopes: ['requests:read'] });
    const endpoint = () =>
      create('/v1/webhook-endpoints', { url: subscribers.url('/idle'), events: ['*'], format: 'standard' });
    for (const [make, member, schema] of [
      [key, 'key', 'access'],
      [endpoint, 'secret', 'notification'],
    ] as const) {
      const [first, again] = [await make(), await make()];
      expect(again.body).toEqual(expectStatus(first, 201));
      const secret = String(first.body[member]);
      expect(secret.length).toBeGreaterThan(30);
      const rows = await system.sql<{ answer: Buffer | null }>(`SELECT answer FROM ${schema}.idempotency`);
      expect(rows.length).toBeGreaterThan(0);
      for (const { answer } of rows) expect(answer?.toString('latin1') ?? '').not.toContain(secret);
    }
  });

  it('makes one user of a SCIM call that is repeated', async () => {
    const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'twice@example.com' };
    const create = () => admin.post<{ id: string }>('/scim/v2/Users', body, { idempotencyKey: 'user' });
    const [first, again] = [await create(), await create()];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body.id).toBe(first.body.id);
  });

  it('is not used up by a call that was refused', async () => {
    expectProblem(await submitWith(newRequest({ payload: {} }), 'corrected'), 422, 'payload_invalid');
    expect((await submitWith(newRequest(), 'corrected')).status).toBe(201);
  });

  it('gives the first answer again even if the call would be refused by now', async () => {
    const stage = '  - key: only\n    approvers: [ { user: bob@example.com } ]\n';
    await publish(admin, workflowOf('stricter', stage));
    const body = newRequest({ workflow: 'stricter', payload: {} });
    const first = await submitWith(body, 'stricter');
    expect(first.status).toBe(201);
    await publish(admin, workflowOf('stricter', stage, 'subject: { type: object, required: [amount] }\n'));
    expectProblem(await admin.post('/v1/requests', body), 422, 'payload_invalid');
    const again = await submitWith(body, 'stricter');
    expect([again.status, again.body?.id]).toEqual([201, first.body.id]);
  });
});

describe('limits', () => {
  it('are told with every answer, also a refused one', async () => {
    for (const answer of [await admin.get('/v1/whoami'), await admin.get('/v1/nothing')]) {
      expect(answer.headers['ratelimit-policy']).toContain(`q=${quota}`);
      expect(answer.headers.ratelimit).toMatch(/r=\d+;t=\d+/);
    }
  });

  it('answer 429 with Retry-After beyond them, to that key alone', async () => {
    const busy = await keyWith(['requests:read']);
    const calls = Array.from({ length: quota * 2 }, () => busy.get('/v1/nothing'));
    // Another key is served meanwhile.
    expect((await admin.get('/v1/whoami')).status).toBe(200);
    const answers = await Promise.all(calls);
    const refused = answers.find(({ status }) => status === 429);
    if (!refused) throw new Error('nothing was refused');
    expectProblem(refused, 429, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['ratelimit-policy']).toContain(`q=${quota}`);
    await eventually('the key is served again', async () => (await busy.get('/v1/nothing')).status === 404);
  });
});

describe('a trace', () => {
  it('goes from the call through every queue out with the webhooks', async () => {
    expectStatus(
      await admin.post('/v1/webhook-endpoints', {
        url: subscribers.url('/traced'),
        events: ['request.completed'],
        format: 'standard',
      }),
      201,
    );
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const request = await another();
    const answer = await decideTraced(request, trace);
    expect(answer.status).toBe(200);
    const [call] = await subscribers.untilCalls('/traced', 1);
    expect(call?.headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  });

  it('is in a problem', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    const { traceId } = expectProblem(
      await admin.get(`/v1/requests/${nobody}`, { headers }),
      404,
      'not_found',
    );
    expect(traceId).toBe(trace);
    expectProblem(
      await admin.get('/v1/whoami', { headers: { traceparent: 'rubbish' }, key: null }),
      401,
      'unauthenticated',
    );
  });

  const decideTraced = (request: RequestView, trace: string) =>
    admin
      .as('bob@example.com')
      .post(
        `/v1/tasks/${taskOf(request).id}/decision`,
        { decision: 'approve' },
        { headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` } },
      );
});

describe('another workspace', () => {
  let other: HttpClient;
  let otherId: string;

  beforeAll(async () => {
    const answer = await admin.post<{ id: string; name: string; kind: string; adminKey: string }>(
      '/v1/workspaces',
      { name: 'elsewhere', kind: 'sandbox' },
    );
    const { id, adminKey, ...rest } = expectStatus(answer, 201);
    expect(rest).toEqual({ name: 'elsewhere', kind: 'sandbox' });
    expect(adminKey).toMatch(/^cs_test_/);
    otherId = id;
    other = system.caller(adminKey);
  });

  it('is listed for the first key', async () => {
    const { data } = (await admin.get<Page>('/v1/workspaces')).body;
    expect(data).toEqual(
      expect.arrayContaining([
        { id: otherId, name: 'elsewhere', kind: 'sandbox' },
        expect.objectContaining({ name: 'default', kind: 'live' }),
      ]),
    );
  });

  it('begins with nothing in it', async () => {
    for (const path of [
      '/v1/requests',
      '/v1/tasks',
      '/v1/workflows',
      '/v1/webhook-endpoints',
      '/v1/audit/entries',
    ])
      expect((await other.get<Page>(path)).body).toMatchObject({ data: [] });
    expect((await other.get<Json>('/scim/v2/Users')).body.totalResults).toBe(0);
    expect((await other.get<Page>('/v1/api-keys')).body.data).toHaveLength(1);
  });

  it('sees no object of the first one', async () => {
    const key = await admin.post<{ id: string }>('/v1/api-keys', { name: 'x', scopes: ['admin'] });
    const endpoint = await admin.post<{ id: string }>('/v1/webhook-endpoints', {
      url: subscribers.url('/idle'),
      events: ['*'],
      format: 'standard',
    });
    const task = taskOf(pending);
    const calls: [Dispatcher.HttpMethod, string, unknown?][] = [
      ['GET', `/v1/requests/${pending.id}`],
      ['GET', `/v1/requests/${pending.id}/timeline`],
      ['POST', `/v1/requests/${pending.id}/cancel`, { reason: 'mine' }],
      ['GET', `/v1/tasks/${task.id}`],
      ['POST', `/v1/tasks/${task.id}/decision`, { decision: 'approve' }],
      ['GET', '/v1/workflows/purchase-order'],
      ['POST', '/v1/workflows/purchase-order/versions/1/publish', {}],
      ['GET', `/v1/webhook-endpoints/${endpoint.body.id}`],
      ['PATCH', `/v1/webhook-endpoints/${endpoint.body.id}`, { description: 'mine' }],
      ['DELETE', `/v1/webhook-endpoints/${endpoint.body.id}`],
      ['POST', `/v1/webhook-endpoints/${endpoint.body.id}/rotate-secret`, {}],
      ['DELETE', `/v1/api-keys/${key.body.id}`],
    ];
    for (const [method, path, body] of calls)
      expectProblem(await other.call(method, path, body), 404, 'not_found');
    expect((await other.get(`/scim/v2/Users/${people.bob.id}`)).status).toBe(404);
    expect((await other.get(`/scim/v2/Groups/${people.finance.id}`)).status).toBe(404);
  });

  it('cannot name anybody or anything of the first one', async () => {
    expectProblem(await other.post('/v1/requests', newRequest()), 422, 'unknown_reference');
    await publish(other, workflowOf('own', '  - key: only\n    approvers: [ { user: bob@example.com } ]\n'));
    const body = newRequest({ workflow: 'own', payload: {} });
    for (const requester of ['alice@example.com', people.alice.id])
      expectProblem(await other.post('/v1/requests', { ...body, requester }), 422, 'unknown_reference');
    expectProblem(await other.as(people.bob.id).get('/v1/whoami'), 403, 'unknown_actor');
    const users = await other.get<Json>(`/scim/v2/Users?filter=${encodeURIComponent('userName sw "a"')}`);
    expect(users.body.totalResults).toBe(0);
  });

  it('has the same names for other people, its own tasks and its own log', async () => {
    await createOrganisation(other);
    await publish(other, purchaseOrder);
    const { id } = await submit(other, { workflow: 'purchase-order', payload: order(10) });
    const [task] = await untilTasks(other, id);
    if (!task) throw new Error('no task');
    expect(task.assignee.id).not.toBe(people.bob.id);
    expect((await decide(other, task, 'approve')).status).toBe(200);
    expectProblem(await admin.get(`/v1/requests/${id}`), 404, 'not_found');
    const entries = await eventually('the log of the workspace', async () => {
      const { data } = (await other.get<Page<{ requestId: string; index: number }>>('/v1/audit/entries'))
        .body;
      return data.length > 0 ? data : null;
    });
    expect(entries[0]?.index).toBe(0);
    expect(entries.every(({ requestId }) => requestId === null || requestId === id)).toBe(true);
    expect((await other.get('/v1/audit/checkpoint')).text).toContain(`countersign/${otherId}\n`);
    expect((await read(admin, pending.id)).state).toBe('pending_review');
  });
});

describe('the documentation', () => {
  it('is an OpenAPI 3.1 document with every route', async () => {
    const answer = await admin.get<{ openapi: string; paths: Record<string, Json> }>('/v1/openapi.json', {
      key: null,
    });
    expect(answer.status).toBe(200);
    expect(answer.body.openapi).toMatch(/^3\.1\./);
    const documented = new Set(
      Object.entries(answer.body.paths).flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`),
      ),
    );
    for (const [method, path] of [...routes, ...scimRoutes]) {
      const template = path
        .replace(nobody, '{}')
        .replace('/none/versions/1', '/{}/versions/{}')
        .replace('/none', '/{}');
      expect(documented).toContain(`${method} ${template}`);
    }
  });

  it('can be read at /docs', async () => {
    const answer = await admin.get('/docs', { key: null });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/html/);
  });

  it('has the JSON Schema of definitions, without a key as editors fetch it', async () => {
    const answer = await admin.get<Json>('/v1/schemas/workflow.json', { key: null });
    expect(answer.status).toBe(200);
    expect(answer.body.$schema).toContain('2020-12');
  });
});

describe('health', () => {
  it('is 200 without a key once everything is up', async () => {
    for (const path of ['/healthz', '/readyz'])
      expect((await admin.get(path, { key: null })).status).toBe(200);
  });
});

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
