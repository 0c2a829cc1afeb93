import { generateKeyPairSync, createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TaskView } from '@countersign/contracts';
import { auditEntries, recomputedLeafHash, verifiedCheckpoint, type AuditEntry } from './audit-log';
import { eventually } from './eventually';
import { expectStatus, type HttpAnswer, type HttpClient, type Json } from './http-client';
import { createOrganisation, createUser, type Organisation } from './organisation';
import { RecordingServer } from './recording-server';
import { submit, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

/*
 * Every call that may change something leaves an entry: the document of the API says which, and here each is made once. Whatever
 * can be written freely in a call holds a name, and none of it may stand in a leaf.
 */

jest.setTimeout(180_000);

const secretWord = 'Sonnenschein';
const words = (what: string): string => `${what} of Ms ${secretWord}`;
const scim = { headers: { 'content-type': 'application/scim+json' } };
const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const bulkSchema = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const stageOf = (who: string): string =>
  `  - key: one\n    approvers: [ { user: ${who}@example.com } ]\n    selfApproval: allow\n`;
const fromNow = (ms: number): string => new Date(Date.now() + ms).toISOString();

let system: TestSystem;
let receiver: RecordingServer;
let people: Organisation;
/** The first key, and the same acting for Bob. */
let admin: HttpClient;
let bob: HttpClient;
let adminKeyId: string;
/** `POST /v1/…` → the types of entries that it may leave, or why it leaves none. */
let declared: Map<string, string[] | string>;

/** Where exports go. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'countersign-exports-'));
  [system, receiver] = await Promise.all([
    startTestSystem({ env: { COUNTERSIGN_EXPORT_DIR: folder } }),
    RecordingServer.start(),
  ]);
  admin = system.admin;
  people = await createOrganisation(admin);
  bob = admin.as('bob@example.com');
  const keys = await admin.get<{ data: { id: string; name: string }[] }>('/v1/api-keys');
  adminKeyId = keys.body.data.find(({ name }) => name === 'COUNTERSIGN_ADMIN_KEY')?.id ?? '';
  for (const [key, who] of [
    ['asks-bob', 'bob'],
    ['asks-carol', 'carol'],
  ] as const) {
    await publish(admin, workflowOf(key, stageOf(who)));
  }
  const document = await admin.get<{ paths: Record<string, Record<string, Json>> }>('/v1/openapi.json');
  declared = new Map(
    Object.entries(document.body.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => method !== 'get')
        .map(([method, operation]) => {
          const trail = operation['x-trail'] as string | string[] | undefined;
          const isNone = typeof trail === 'string' && trail.startsWith('none: ');
          return [`${method.toUpperCase()} ${path}`, isNone ? trail : [trail ?? []].flat()];
        }),
    ),
  );
});
afterAll(async () => {
  await system?.stop();
  await receiver?.stop();
  await rm(folder, { recursive: true, force: true });
});

type Id = { id: string };
const made: Record<string, string> = {};
const keep = async <Body extends Id>(name: string, answer: Promise<HttpAnswer<Body>>) => {
  const got = await answer;
  made[name] = got.body.id;
  return got;
};

const requestOfBob = async (more: Json = {}): Promise<string> =>
  (
    await submit(bob, {
      workflow: 'asks-carol',
      requester: 'bob@example.com',
      title: words('Desk'),
      reason: words('Wish'),
      ...more,
    })
  ).id;
const taskOfBob = async (): Promise<TaskView> => {
  const { id } = await submit(admin, { workflow: 'asks-bob', title: words('Chair') });
  const [task] = await untilTasks(admin, id);
  if (!task) throw new Error('no task');
  return task;
};

const tokenFor = async (taskId: string): Promise<string> =>
  eventually('a mail with a link to decide', async () => {
    const { data } = expectStatus(await admin.get<{ data: Json[] }>('/dev/mail.json'), 200);
    const mail = data.map((one) => JSON.stringify(one)).find((one) => one.includes(taskId));
    return mail && /(?<=\/decide\/)[\w-]{100,}/.exec(mail)?.[0];
  });

const endpoint = () => `/v1/webhook-endpoints/${made.endpoint}`;
const newUser = (name: string) => ({
  schemas: [userSchema],
  userName: `${name}.${secretWord}@example.com`,
  displayName: words(name),
});

/** Each call as Bob makes it, in an order in which one gives the next what it needs. */
const calls: Record<string, () => Promise<HttpAnswer<Json>>> = {
  'POST /v1/workspaces': () => bob.post('/v1/workspaces', { name: words('Workspace'), kind: 'sandbox' }),
  'POST /v1/api-keys': () =>
    keep('key', bob.post<Id & Json>('/v1/api-keys', { name: words('Key'), scopes: ['requests:read'] })),
  'DELETE /v1/api-keys/{id}': () => bob.delete(`/v1/api-keys/${made.key}`),

  'POST /v1/workflows': () =>
    bob.post(
      '/v1/workflows',
      workflowOf(
        'asks-bob',
        '  - key: two\n    approvers: [ { user: bob@example.com } ]\n',
        `title: ${words('Asking')}\n`,
      ),
      {
        type: 'application/yaml',
      },
    ),
  'POST /v1/workflows/import': async () => {
    const archive = await exported('asks-bob');
    return bob.post('/v1/workflows/import', archive, { type: 'application/gzip' });
  },
  'POST /v1/workflows/{key}/versions/{version}/publish': () =>
    bob.post('/v1/workflows/asks-carol/versions/1/publish', { note: words('Wish') }),
  'PATCH /v1/workspace-settings': () => bob.patch('/v1/workspace-settings', { timezone: 'Europe/Berlin' }),

  'POST /scim/v2/Users': () => keep('user', bob.post<Id & Json>('/scim/v2/Users', newUser('zoe'), scim)),
  'PUT /scim/v2/Users/{id}': () =>
    bob.put(`/scim/v2/Users/${made.user}`, { ...newUser('zoe'), displayName: words('Zoe') }, scim),
  'PATCH /scim/v2/Users/{id}': () =>
    bob.patch(
      `/scim/v2/Users/${made.user}`,
      { schemas: [patchSchema], Operations: [{ op: 'replace', path: 'nickName', value: words('Z') }] },
      scim,
    ),
  'POST /scim/v2/Groups': () =>
    keep(
      'group',
      bob.post<Id & Json>(
        '/scim/v2/Groups',
        { schemas: [groupSchema], displayName: words('Team'), members: [{ value: made.user }] },
        scim,
      ),
    ),
  'PUT /scim/v2/Groups/{id}': () =>
    bob.put(
      `/scim/v2/Groups/${made.group}`,
      { schemas: [groupSchema], displayName: words('Staff'), members: [{ value: made.user }] },
      scim,
    ),
  'PATCH /scim/v2/Groups/{id}': () =>
    bob.patch(
      `/scim/v2/Groups/${made.group}`,
      { schemas: [patchSchema], Operations: [{ op: 'replace', path: 'displayName', value: words('Crew') }] },
      scim,
    ),
  'DELETE /scim/v2/Groups/{id}': () => bob.delete(`/scim/v2/Groups/${made.group}`),
  'DELETE /scim/v2/Users/{id}': () => bob.delete(`/scim/v2/Users/${made.user}`),
  'POST /scim/v2/Bulk': () =>
    bob.post(
      '/scim/v2/Bulk',
      {
        schemas: [bulkSchema],
        Operations: [
          { method: 'POST', path: '/Users', bulkId: 'a', data: newUser('yara') },
          {
            method: 'POST',
            path: '/Groups',
            bulkId: 'b',
            data: { schemas: [groupSchema], displayName: words('All') },
          },
        ],
      },
      scim,
    ),
  'POST /v1/delegations': () =>
    keep(
      'delegation',
      bob.post<Id & Json>('/v1/delegations', {
        from: 'dave@example.com',
        to: 'erin@example.com',
        startsAt: fromNow(3_600_000),
        endsAt: fromNow(7_200_000),
      }),
    ),
  'DELETE /v1/delegations/{id}': () => bob.delete(`/v1/delegations/${made.delegation}`),
  'POST /v1/resolver-secret/rotate': () => bob.post('/v1/resolver-secret/rotate'),
  'POST /v1/directory/replace': () =>
    bob.post('/v1/directory/replace', { from: 'dave@example.com', to: 'erin@example.com', dryRun: false }),

  'POST /v1/requests': () =>
    keep(
      'draft',
      bob.post<Id & Json>('/v1/requests', {
        workflow: 'asks-carol',
        requester: 'bob@example.com',
        title: words('Table'),
        reason: words('Wish'),
        payload: { note: words('Payload') },
        metadata: { note: words('Metadata') },
        externalRef: words('Ref'),
        draft: true,
      }),
    ),
  'PATCH /v1/requests/{id}': () => bob.patch(`/v1/requests/${made.draft}`, { title: words('Bench') }),
  'POST /v1/requests/{id}/submit': () => bob.post(`/v1/requests/${made.draft}/submit`),
  'POST /v1/requests/{id}/comments': () =>
    bob.post(`/v1/requests/${made.draft}/comments`, { text: words('Thought') }),
  'POST /v1/requests/{id}/cancel': () =>
    bob.post(`/v1/requests/${made.draft}/cancel`, { reason: words('Mind changed') }),
  'POST /v1/requests/{id}/override': async () =>
    bob.post(`/v1/requests/${await requestOfBob()}/override`, {
      outcome: 'approved',
      reason: words('Emergency'),
    }),
  'POST /v1/requests/{id}/migrate': async () => {
    const id = await requestOfBob();
    await untilTasks(admin, id);
    const { version } = await publish(admin, workflowOf('asks-carol', stageOf('carol'), 'title: Asking\n'));
    return bob.post(`/v1/requests/${id}/migrate`, { workflowVersion: version });
  },
  'POST /v1/tasks/{id}/remind': async () => bob.post(`/v1/tasks/${(await taskOfBob()).id}/remind`),
  'POST /v1/tasks/{id}/reassign': async () =>
    bob.post(`/v1/tasks/${(await taskOfBob()).id}/reassign`, {
      to: 'erin@example.com',
      reason: words('Holiday'),
    }),
  'POST /v1/tasks/{id}/decision': async () =>
    bob.post(`/v1/tasks/${(await taskOfBob()).id}/decision`, { decision: 'reject', comment: words('No') }),
  'POST /decide/{token}': async () => {
    const token = await tokenFor((await taskOfBob()).requestId);
    return admin.post(`/decide/${token}`, `decision=approve&comment=${encodeURIComponent(words('Yes'))}`, {
      key: null,
      type: 'application/x-www-form-urlencoded',
    });
  },

  'POST /v1/webhook-endpoints': () =>
    keep(
      'endpoint',
      bob.post<Id & Json>('/v1/webhook-endpoints', {
        url: receiver.url(`/${secretWord}?for=${secretWord}`),
        events: ['request.completed'],
        format: 'standard',
        description: words('Endpoint'),
      }),
    ),
  'PATCH /v1/webhook-endpoints/{id}': () =>
    bob.patch(endpoint(), { description: words('Subscriber'), url: receiver.url(`/hook/${secretWord}`) }),
  'POST /v1/webhook-endpoints/{id}/rotate-secret': () => bob.post(`${endpoint()}/rotate-secret`),
  'POST /v1/webhook-endpoints/{id}/test': () => keep('delivery', bob.post<Id & Json>(`${endpoint()}/test`)),
  'POST /v1/deliveries/{id}/replay': () => bob.post(`/v1/deliveries/${made.delivery}/replay`),
  'POST /v1/webhook-endpoints/{id}/replay': () =>
    bob.post(`${endpoint()}/replay`, { since: fromNow(-3_600_000) }),
  'POST /v1/webhook-endpoints/{id}/enable': async () => {
    receiver.behave(`/hook/${secretWord}`, () => ({ status: 410 }));
    expectStatus(await admin.post(`${endpoint()}/test`), 200);
    await eventually('the endpoint is disabled', async () =>
      (await admin.get(endpoint())).body.state === 'disabled' ? true : null,
    );
    return bob.post(`${endpoint()}/enable`);
  },
  'DELETE /v1/webhook-endpoints/{id}': () => bob.delete(endpoint()),
  'POST /v1/chat-channels': () =>
    keep(
      'channel',
      bob.post<Id & Json>('/v1/chat-channels', {
        name: words('Channel'),
        format: 'slack',
        url: receiver.url(`/chat/${secretWord}`),
        group: words('All'),
      }),
    ),
  'PATCH /v1/chat-channels/{id}': () =>
    bob.patch(`/v1/chat-channels/${made.channel}`, { name: words('Room') }),
  'POST /v1/chat-channels/{id}/test': () => bob.post(`/v1/chat-channels/${made.channel}/test`),
  'POST /v1/chat-channels/{id}/enable': async () => {
    await system.sql(`UPDATE notification.chat_channel SET state = 'disabled' WHERE id = $1`, [made.channel]);
    return bob.post(`/v1/chat-channels/${made.channel}/enable`);
  },
  'DELETE /v1/chat-channels/{id}': () => bob.delete(`/v1/chat-channels/${made.channel}`),
  'PUT /v1/notification-preferences/{user}': () =>
    bob.put('/v1/notification-preferences/erin@example.com', { news: 'none', workflows: { 'asks-bob': {} } }),

  'POST /v1/audit/log/witnesses': () =>
    keep('witness', bob.post<Id & Json>('/v1/audit/log/witnesses', { verifierKey: newWitnessKey() })),
  'DELETE /v1/audit/log/witnesses/{id}': () => bob.delete(`/v1/audit/log/witnesses/${made.witness}`),
  'POST /v1/audit/holds': () =>
    keep(
      'hold',
      bob.post<Id & Json>('/v1/audit/holds', { reason: words('Lawsuit'), subject: 'erin@example.com' }),
    ),
  'DELETE /v1/audit/holds/{id}': () => bob.delete(`/v1/audit/holds/${made.hold}`),
  'PUT /v1/audit/retention': () =>
    bob.put('/v1/audit/retention', { default: 'P10Y', workflows: { 'asks-bob': 'P7Y' } }),
  'POST /v1/analytics/rebuild': () => bob.post('/v1/analytics/rebuild'),
  'POST /v1/audit/erasures': () =>
    bob.post('/v1/audit/erasures', { subject: made.user, reason: words('Wish') }),
  'POST /v1/audit/self-check/findings/{id}/acknowledge': async () => {
    const [{ id } = { id: '' }] = await system.sql<Id>(
      `INSERT INTO audit.tampering (workspace_id, id, kind, index, detail)
       SELECT workspace_id, gen_random_uuid(), 'entry', 0, 'As if it were' FROM audit.entry WHERE type = 'request.created' LIMIT 1 RETURNING id`,
    );
    return bob.post(`/v1/audit/self-check/findings/${id}/acknowledge`, { reason: words('Restore') });
  },
  'POST /v1/audit/export-schedules': () =>
    keep(
      'schedule',
      bob.post<Id & Json>('/v1/audit/export-schedules', {
        name: words('Exports'),
        format: 'ndjson',
        every: 'P1D',
        filter: { type: words('Type') },
        target: { type: 'folder', path: 'nightly' },
      }),
    ),
  'PATCH /v1/audit/export-schedules/{id}': () =>
    bob.patch(`/v1/audit/export-schedules/${made.schedule}`, { state: 'paused', name: words('Files') }),
  'DELETE /v1/audit/export-schedules/{id}': () => bob.delete(`/v1/audit/export-schedules/${made.schedule}`),
};

/** A key that cosigns (C2SP signed-note, type 0x04). */
const newWitnessKey = (): string => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const typed = Buffer.concat([Buffer.of(4), raw]);
  const id = createHash('sha256').update('witness.example\n').update(typed).digest('hex').slice(0, 8);
  return `witness.example+${id}+${typed.toString('base64')}`;
};

const exported = async (key: string): Promise<Buffer> => {
  const answer = await fetch(`${system.url}/v1/workflows/export?key=${key}`, {
    headers: { authorization: `Bearer ${system.adminKey}` },
  });
  return Buffer.from(await answer.arrayBuffer());
};

const actorOf = (entry: AuditEntry) => (entry.content as { actor: { id: string; via: string } }).actor;

it('names a call here for every route that says that it leaves something, and no other', () => {
  const leaving = [...declared].filter(([, trail]) => Array.isArray(trail)).map(([route]) => route);
  expect(Object.keys(calls).sort()).toEqual(leaving.sort());
  for (const [route, trail] of declared) expect([route, trail.length]).not.toEqual([route, 0]);
});

it.each(Object.keys(calls))('%s is in the log, with who did it and on whose word', async (route) => {
  const call = calls[route];
  if (!call) throw new Error('no such call');
  const size = Number((await verifiedCheckpoint(admin)).size);
  const answer = await call();
  expect([answer.text, Math.floor(answer.status / 100)]).toEqual([
    answer.text,
    answer.status === 303 ? 3 : 2,
  ]);
  const types = declared.get(route) ?? [];
  const entry = await eventually(`an entry of ${route}`, async () => {
    const entries = await auditEntries(admin, `&actor=${people.bob.id}`);
    return entries.find(({ index, type }) => index >= size && types.includes(type));
  });
  const { id, via } = actorOf(entry);
  expect(id).toBe(people.bob.id);
  if (route === 'POST /decide/{token}') expect(via).toMatch(/^decision-link:[0-9a-f-]{36}$/);
  else expect(via).toBe(adminKeyId);
  expect(recomputedLeafHash(entry)).toBe(entry.leafHash);
});

it('takes no export schedule for somebody whom nobody knows', async () => {
  const { status, body } = await admin.post<Json>('/v1/audit/export-schedules', {
    name: 'never anything',
    format: 'ndjson',
    every: 'P1D',
    filter: { actor: 'nobody@example.com' },
    target: { type: 'folder', path: 'nightly' },
  });
  expect([status, body]).toMatchObject([
    422,
    { code: 'unknown_reference', errors: [{ pointer: '/filter/actor' }] },
  ]);
});

it('has what became of telling people', async () => {
  const ended = async (type: string) =>
    (await auditEntries(admin, `&type=${type}`)).map(({ content }) => content as Json);
  await eventually('deliveries that succeeded, were exhausted and skipped', async () => {
    const states = (await ended('delivery.ended')).map(({ state }) => state);
    return states.includes('succeeded') && states.includes('exhausted') ? true : null;
  });
  const captured = { state: 'captured', kind: 'question', userId: people.bob.id, attempts: 0 };
  await eventually('mails that were kept', async () =>
    (await ended('mail.ended')).some((content) =>
      Object.entries(captured).every(([name, value]) => content[name] === value),
    ),
  );
  // Each once.
  const ids = (await ended('mail.ended')).map(({ mailId }) => mailId);
  expect(new Set(ids).size).toBe(ids.length);
});

it('is right in all that stands beside it, as far as the service itself can see', async () => {
  const passed = async () => (await admin.get('/v1/audit/self-check')).body.passedAt;
  const before = await passed();
  expectStatus(await admin.post('/v1/audit/self-check', {}), 200);
  await eventually('a pass over everything', async () => ((await passed()) !== before ? true : null));
  const { data } = (await admin.get<{ data: Json[] }>('/v1/audit/self-check/findings?limit=200')).body;
  expect(data.map(({ detail }) => detail)).toEqual(['As if it were']);
});

it('holds no word of what anybody wrote, and no name, in what stays for ever', async () => {
  // A person with the name in it, as requester: what transitions tell is looked at as well.
  await createUser(admin, { userName: `ida.${secretWord}@example.com`, displayName: words('Ida') });
  const entries = await auditEntries(admin);
  expect(entries.length).toBeGreaterThan(100);
  for (const { type, content } of entries)
    expect([type, JSON.stringify(content).toLowerCase()]).toEqual([
      type,
      expect.not.stringContaining(secretWord.toLowerCase()),
    ]);
  // It is there, for whom it concerns.
  expect(JSON.stringify(entries.map(({ sealed }) => sealed))).toContain(secretWord);
});
