import type { RequestView } from '@countersign/contracts';
import { auditEntries, recomputedLeafHash, rootOver, verifiedCheckpoint } from './audit-log';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Json, type Page } from './http-client';
import { createUser, deactivateUser, type ScimResource } from './organisation';
import { RecordingServer, webhookId } from './recording-server';
import { decide, submit, untilState, untilTasks } from './requests';
import { wordsInRedis, wordsInTables } from './stored-words';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

jest.setTimeout(240_000);

let system: TestSystem;
let subscribers: RecordingServer;
let admin: HttpClient;

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  // What is sent comes back, as far as answers are kept.
  for (const path of ['/standard', '/easylife'])
    subscribers.behave(path, ({ text }) => ({ status: 200, body: text.slice(0, 1_000) }));
  system = await startTestSystem();
  admin = system.admin;
});

afterAll(async () => {
  await system?.stop();
  await subscribers?.stop();
});

interface Erasure extends Json {
  id: string;
  state: string;
  requests: { total: number; erased: number; waiting: number };
  waitingFor: string[];
  directory: string | null;
}

const words = {
  userName: 'zoe.markword@example.com',
  displayName: 'Zoë Markword',
  externalId: 'external-markword-id',
  title: 'title-markword',
  reason: 'reason-markword',
  payload: 'payload-markword',
  metadata: 'metadata-markword',
  externalRef: 'ref-markword',
  comment: 'comment-markword',
  remark: 'remark-markword',
  cancel: 'cancel-markword',
  draft: 'draft-markword',
  draftPayload: 'draft-payload-markword',
};

const untilErasure = (id: string, state: string): Promise<Erasure> => {
  let last: Erasure | undefined;
  return eventually(
    `erasure ${id} is ${state}`,
    async () => {
      last = expectStatus(await admin.get<Erasure>(`/v1/audit/erasures/${id}`), 200);
      return last.state === state ? last : null;
    },
    { withinMs: 60_000, describe: () => JSON.stringify(last) },
  );
};

describe('a person who asks to be forgotten', () => {
  let zoe: ScimResource;
  let bob: ScimResource;
  let done: RequestView;
  let decided: RequestView;
  let running: RequestView;
  let draft: RequestView;
  let erasure: Erasure;
  let canceled: Json;
  const sentBefore = () => subscribers.to('/standard').length;

  beforeAll(async () => {
    bob = await createUser(admin, { userName: 'bob@example.com', displayName: 'Bob' });
    zoe = await createUser(admin, {
      userName: words.userName,
      displayName: words.displayName,
      externalId: words.externalId,
      manager: bob.id,
    });
    await createUser(admin, { userName: 'dora@example.com', displayName: 'Dora', manager: zoe.id });
    await publish(
      admin,
      workflowOf('purchase', '  - key: manager\n    approvers: [ { manager: { levels: 1 } } ]\n'),
    );
    for (const format of ['standard', 'easylife']) {
      const url = subscribers.url(`/${format}`);
      expectStatus(await admin.post('/v1/webhook-endpoints', { url, events: ['*'], format }), 201);
    }
    const asked = {
      workflow: 'purchase',
      title: words.title,
      reason: words.reason,
      requester: words.userName,
      payload: { note: words.payload },
      metadata: { note: words.metadata },
      externalRef: words.externalRef,
    };
    // Decided by somebody else, with a remark of hers.
    done = expectStatus(
      await admin.as(zoe.id).post<RequestView>('/v1/requests', asked, { idempotencyKey: 'one' }),
      201,
    );
    const [task] = await untilTasks(admin, done.id);
    expectStatus(
      await admin
        .as(zoe.id)
        .post(`/v1/requests/${done.id}/comments`, { text: words.remark }, { idempotencyKey: 'two' }),
      201,
    );
    expectStatus(await decide(admin, task!, 'approve'), 200);
    await untilState(admin, done.id, 'completed');
    // Somebody else's, which she decided.
    decided = await submit(admin, {
      workflow: 'purchase',
      title: 'a request of Dora',
      requester: 'dora@example.com',
      payload: { owner: words.userName },
    });
    const [hers] = await untilTasks(admin, decided.id);
    expectStatus(await decide(admin, hers!, 'reject', { comment: words.comment }), 200);
    await untilState(admin, decided.id, 'rejected');
    running = await submit(admin, asked);
    await untilTasks(admin, running.id);
    draft = expectStatus(
      await admin.post<RequestView>('/v1/requests', {
        ...asked,
        draft: true,
        title: words.draft,
        payload: { note: words.draftPayload },
      }),
      201,
    );
    canceled = asked;
    const third = expectStatus(
      await admin.post<RequestView>('/v1/requests', canceled, { idempotencyKey: 'three' }),
      201,
    );
    await untilTasks(admin, third.id);
    expectStatus(
      await admin.as(zoe.id).post(`/v1/requests/${third.id}/cancel`, { reason: words.cancel }),
      200,
    );
    await eventually('the draft in the log', async () =>
      (await auditEntries(admin)).some(({ requestId }) => requestId === draft.id),
    );
    // A message that could not be handled, as it would lie in routing.
    await system.sql(
      `INSERT INTO routing.dead_letter (id, queue, message_id, workspace_id, type, envelope, error, attempts)
       SELECT gen_random_uuid(), 'routing', gen_random_uuid(), workspace_id, 'request.revise.v1',
              json_build_object('id', id, 'type', 'request.revise.v1', 'data',
                json_build_object('requestId', id, 'title', $2::text, 'payload', json_build_object('value', $3::text))), $2, 1
         FROM routing.request WHERE id = $1`,
      [done.id, words.title, words.payload],
    );
    await eventually('nothing under way', async () => {
      const rows = await Promise.all(
        ['intake', 'routing', 'approver_resolution', 'notification', 'audit'].map((schema) =>
          system.sql(`SELECT 1 FROM ${schema}.outbox_destination LIMIT 1`),
        ),
      );
      return rows.every(({ length }) => length === 0);
    });
  });

  it('stands in many places before', async () => {
    const found = await wordsInTables(system, Object.values(words));
    const places = new Set(found.map(({ where }) => where));
    for (const place of [
      'audit.sealed.data',
      'audit.transition.snapshot',
      'audit.request_payload.payload',
      'intake.request.snapshot',
      'intake.request.requester',
      'intake.request.external_ref',
      'intake.request_event.detail',
      'intake.request_payload.payload',
      'intake.task.task',
      'intake.idempotency.answer',
      'intake.person.person',
      'routing.request.aggregate',
      'routing.request_payload.payload',
      'routing.dead_letter.envelope',
      'approver_resolution.user_.resource',
      'notification.event.standard',
      'notification.event.easylife',
      'notification.delivery_attempt.response',
      'notification.mail.text_body',
      'notification.mail.recipient',
      'notification.request_payload.payload',
    ])
      expect([...places]).toContain(place);
    expect(new Set(found.map(({ word }) => word))).toEqual(new Set(Object.values(words)));
  });

  it('is erased everywhere once she has left, but for a request that still runs', async () => {
    await deactivateUser(admin, zoe.id);
    erasure = expectStatus(
      await admin.post<Erasure>(
        '/v1/audit/erasures',
        { subject: words.userName, reason: `${words.displayName} wrote us a letter` },
        { idempotencyKey: 'erase' },
      ),
      201,
    );
    const waiting = await untilErasure(erasure.id, 'waiting');
    expect(waiting).toMatchObject({ waitingFor: [running.id], directory: 'erased' });
    const places = new Set((await wordsInTables(system, Object.values(words))).map(({ where }) => where));
    expect([...places]).not.toContain('audit.sealed.data');
    // It is decided on as before.
    const [task] = await untilTasks(admin, running.id);
    expect(expectStatus(await admin.get<RequestView>(`/v1/requests/${running.id}`), 200).title).toBe(
      words.title,
    );
    expectStatus(await decide(admin, task!, 'approve'), 200);
    await untilState(admin, running.id, 'completed');
    const ended = await untilErasure(erasure.id, 'done');
    expect(ended.requests).toMatchObject({ total: 5, erased: 5, waiting: 0 });
  });

  it('stands nowhere afterwards, in no table and no key of Redis', async () => {
    await eventually('nothing under way', async () => {
      const rows = await system.sql(
        'SELECT 1 FROM audit.outbox_destination UNION ALL SELECT 1 FROM notification.outbox_destination LIMIT 1',
      );
      return rows.length === 0;
    });
    expect(await wordsInTables(system, Object.values(words))).toEqual([]);
    expect(await wordsInRedis(system.redisUrl, Object.values(words))).toEqual([]);
  });

  it('is shown by no answer of the API', async () => {
    const paths = [
      `/v1/requests/${done.id}`,
      `/v1/requests/${decided.id}`,
      `/v1/requests/${draft.id}`,
      '/v1/requests?limit=200',
      `/v1/requests/${done.id}/timeline?limit=200`,
      `/v1/requests/${decided.id}/timeline?limit=200`,
      '/v1/tasks?limit=200',
      '/v1/events?limit=200',
      '/v1/audit/entries?limit=200',
      '/v1/audit/erasures',
      '/dev/mail.json',
      '/scim/v2/Users',
    ];
    for (const path of paths) {
      const { status, text } = await admin.get(path);
      expect([path, status]).toEqual([path, 200]);
      for (const word of Object.values(words)) expect([path, text.includes(word)]).toEqual([path, false]);
    }
    const request = expectStatus(await admin.get<RequestView>(`/v1/requests/${done.id}`), 200);
    expect(request).toMatchObject({
      state: 'completed',
      title: 'Erased',
      reason: null,
      payload: null,
      externalRef: null,
      metadata: {},
      requester: { id: zoe.id, userName: `erased-${zoe.id}`, displayName: 'Erased' },
    });
    const others = expectStatus(await admin.get<RequestView>(`/v1/requests/${decided.id}`), 200);
    expect(others).toMatchObject({ title: 'a request of Dora', requester: { displayName: 'Dora' } });
    expect(others.stages[0]?.tasks[0]).toMatchObject({ state: 'rejected', comment: null });
  });

  it('comes back by no repeated call, and by no replayed delivery', async () => {
    const again = await admin.post('/v1/requests', canceled, { idempotencyKey: 'three' });
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([201, 'true']);
    for (const word of Object.values(words)) expect(again.text).not.toContain(word);
    const { data: endpoints } = expectStatus(
      await admin.get<Page<Json & { id: string; format: string }>>('/v1/webhook-endpoints'),
      200,
    );
    const before = sentBefore();
    const first = subscribers.to('/standard')[0]!;
    for (const { id } of endpoints) {
      expectStatus(
        await admin.post(`/v1/webhook-endpoints/${id}/replay`, { since: '2020-01-01T00:00:00Z' }),
        200,
      );
    }
    const calls = (await subscribers.untilCalls('/standard', before * 2)).slice(before);
    expect(calls.map(webhookId)).toContain(webhookId(first));
    for (const { text } of calls) for (const word of Object.values(words)) expect(text).not.toContain(word);
  });

  it('leaves a log that verifies as before', async () => {
    const entries = await auditEntries(admin);
    for (const entry of entries) expect(recomputedLeafHash(entry)).toBe(entry.leafHash);
    const checkpoint = await verifiedCheckpoint(admin);
    expect(Number(checkpoint.size)).toBe(entries.length);
    expect(checkpoint.root.toString('base64')).toBe(rootOver(entries));
    expect(entries.filter(({ type }) => type === 'erasure.requested').length).toBe(1);
    expect(entries.filter(({ type }) => type === 'erasure.completed').length).toBeGreaterThanOrEqual(1);
  });

  it('who is active stays in the directory, and only there', async () => {
    const his = await submit(admin, {
      workflow: 'purchase',
      title: 'a draft of bob@example.com',
      requester: bob.id,
      payload: {},
      draft: true,
    });
    const asked = expectStatus(
      await admin.post<Erasure>('/v1/audit/erasures', { subject: bob.id, reason: 'By mistake' }),
      201,
    );
    const ended = await untilErasure(asked.id, 'done');
    expect(ended.directory).toBe('kept');
    const found = await wordsInTables(system, ['bob@example.com']);
    const places = new Set(found.map(({ where }) => where));
    for (const place of places)
      expect(place).toMatch(/^approver_resolution\.user_|\.person\.(person|user_name)$/);
    // Who comes back to a draft of theirs is told what has become of it.
    const draftNow = expectStatus(await admin.get<RequestView>(`/v1/requests/${his.id}`), 200);
    expect(draftNow).toMatchObject({ state: 'draft', title: 'Erased', payload: null });
    const refusals = [
      await admin.as(bob.id).patch(`/v1/requests/${his.id}`, { title: 'Once more' }),
      await admin.as(bob.id).post(`/v1/requests/${his.id}/submit`, {}),
    ];
    for (const refusal of refusals)
      expect([refusal.status, refusal.body]).toEqual([
        409,
        expect.objectContaining({
          code: 'invalid_transition',
          detail: expect.stringContaining('has been erased'),
        }),
      ]);
    expectStatus(await admin.as(bob.id).post(`/v1/requests/${his.id}/cancel`, { reason: 'Not needed' }), 200);
  });
});
