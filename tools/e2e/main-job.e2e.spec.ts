import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RequestView } from '@countersign/contracts';
import {
  auditEntries,
  recomputedCommitments,
  recomputedLeafHash,
  rootOver,
  verifiedCheckpoint,
} from './audit-log';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type Json, type Page } from './http-client';
import { createGroup, createOrganisation, createUser, type Organisation } from './organisation';
import { RecordingServer, verified, webhookId, type RecordedCall } from './recording-server';
import { decide, openTasks, order, read, submit, untilState, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder, type PublishedVersion } from './workflows';

jest.setTimeout(120_000);

let system: TestSystem;
let subscribers: RecordingServer;

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  system = await startTestSystem();
});

afterAll(async () => {
  await system?.stop();
  await subscribers?.stop();
});

interface StandardEvent {
  type: string;
  timestamp: string;
  data: {
    workspaceId: string;
    request: RequestView;
    task?: { id: string; assignee: { userName: string }; state: string };
    actor: { type: string; id: string | null; via: string | null };
  };
}

interface Endpoint extends Json {
  id: string;
  secret: string;
}

/** One event of a type for each of its rows: what a request of 5,000 goes through. */
const allEvents = [
  'request.created',
  'request.submitted',
  'request.stage_started',
  'task.assigned',
  'task.decided',
  'request.stage_approved',
  'request.stage_started',
  'task.assigned',
  'task.assigned',
  'task.assigned',
  'task.decided',
  'task.decided',
  'request.approved',
  'request.completed',
];

describe('a purchase request of 5,000', () => {
  let erp: HttpClient;
  let keyId: string;
  let workspaceId: string;
  let people: Organisation;
  let workflow: PublishedVersion;
  let standard: Endpoint;
  let easylife: Endpoint;
  let request: RequestView;

  const standardEvents = () =>
    subscribers.to('/standard').map((call) => verified<StandardEvent>(call, standard.secret));
  const easylifeBodies = () =>
    subscribers.to('/easylife').map((call) => verified<Json>(call, easylife.secret));

  it('begins with a key that the admin key makes, good in the very next call', async () => {
    const scopes = [
      'requests:write',
      'requests:read',
      'tasks:read',
      'tasks:decide',
      'workflows:write',
      'workflows:publish',
      'workflows:read',
      'directory:write',
      'directory:read',
      'webhooks:write',
      'webhooks:read',
      'audit:read',
      'act-as',
    ];
    const answer = await system.admin.post<{ id: string; key: string; scopes: string[] }>('/v1/api-keys', {
      name: 'ERP',
      scopes,
    });
    const made = expectStatus(answer, 201);
    expect(answer.headers.location).toBe(`/v1/api-keys/${made.id}`);
    expect(made.key).toMatch(/^cs_live_[\w-]{43}$/);
    expect(made.scopes).toEqual(scopes);
    keyId = made.id;
    erp = system.caller(made.key);

    const whoami = await erp.get<{ workspace: { id: string } }>('/v1/whoami');
    expect(whoami).toMatchObject({
      status: 200,
      body: {
        workspace: { name: 'default', kind: 'live' },
        key: { id: keyId, name: 'ERP', scopes },
        actor: null,
      },
    });
    workspaceId = whoami.body.workspace.id;
  });

  it('needs people, whom SCIM creates, reads and finds', async () => {
    people = await createOrganisation(erp);

    const alice = await erp.get<Json>(`/scim/v2/Users/${people.alice.id}`);
    expect(alice).toMatchObject({
      status: 200,
      body: {
        id: people.alice.id,
        userName: 'alice@example.com',
        externalId: 'd3f0fe0f-ad34-4eb2-af61-953ea3a76031',
        active: true,
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
          department: 'IT',
          manager: { value: people.bob.id },
        },
      },
    });
    const found = await erp.get<{ totalResults: number; Resources: { id: string }[] }>(
      `/scim/v2/Users?filter=${encodeURIComponent('userName eq "BOB@example.com"')}`,
    );
    expect(found).toMatchObject({
      status: 200,
      body: { totalResults: 1, Resources: [{ id: people.bob.id }] },
    });
    const groups = await erp.get<{ Resources: { members: { value: string }[] }[] }>(
      `/scim/v2/Groups?filter=${encodeURIComponent('displayName eq "finance"')}`,
    );
    const members = groups.body.Resources[0]?.members.map(({ value }) => value);
    expect(members?.sort()).toEqual([people.carol.id, people.dave.id, people.erin.id].sort());
  });

  it('needs the workflow purchase-order, kept as its author wrote it', async () => {
    workflow = await publish(erp, purchaseOrder);
    expect(workflow).toMatchObject({ key: 'purchase-order', version: 1, state: 'published' });
    const kept = await erp.get<Json>('/v1/workflows/purchase-order/versions/1');
    expect(kept.status).toBe(200);
    expect(JSON.stringify(kept.body)).toContain('# JSON Schema of the payload');
  });

  it('has two subscribers, each with a secret that is shown once', async () => {
    const subscribe = async (format: string) =>
      expectStatus(
        await erp.post<Endpoint>('/v1/webhook-endpoints', {
          url: subscribers.url(`/${format}`),
          events: ['*'],
          format,
        }),
        201,
      );
    standard = await subscribe('standard');
    easylife = await subscribe('easylife');
    for (const { id, secret } of [standard, easylife]) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
      const shown = await erp.get(`/v1/webhook-endpoints/${id}`);
      expect(shown.status).toBe(200);
      expect(shown.text).not.toContain('whsec_');
    }
  });

  it('is refused while its payload does not fit, every violation named', async () => {
    const refused = await erp.post<{ code: string; errors: { pointer: string }[] }>('/v1/requests', {
      workflow: 'purchase-order',
      title: '30 laptops',
      requester: 'alice@example.com',
      payload: { amount: -5, region: 'MARS' },
    });
    expect(refused).toMatchObject({ status: 422, body: { code: 'payload_invalid' } });
    const pointers = refused.body.errors.map(({ pointer }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/payload/amount', '/payload/region']));
    expect(pointers).toHaveLength(3);
  });

  it('is taken with 201, and is what the next GET shows', async () => {
    const answer = await erp.as('alice@example.com').post<RequestView>('/v1/requests', {
      workflow: 'purchase-order',
      title: '30 laptops',
      reason: 'Is there no reason?',
      requester: 'Alice@Example.com',
      payload: order(5_000),
      externalRef: 'PO-4711',
      metadata: { costCenter: '0815' },
    });
    request = expectStatus(answer, 201);
    expect(answer.headers.location).toBe(`/v1/requests/${request.id}`);
    expect(answer.headers.etag).toBe('"1"');
    expect(request).toMatchObject({
      workspaceId,
      workflow: { id: workflow.id, key: 'purchase-order', version: 1 },
      state: 'submitted',
      title: '30 laptops',
      reason: 'Is there no reason?',
      requester: { id: people.alice.id, userName: 'alice@example.com', displayName: 'Alice' },
      payload: order(5_000),
      externalRef: 'PO-4711',
      metadata: { costCenter: '0815' },
      revision: 1,
      version: 1,
      stageIndex: 0,
      totalStages: 2,
      overridden: false,
      failure: null,
      decidedAt: null,
      completedAt: null,
    });
    expect(request.stages.map(({ key, state }) => [key, state])).toEqual([
      ['manager', 'pending'],
      ['finance', 'pending'],
    ]);
    expect((await read(erp, request.id)).id).toBe(request.id);
  });

  it('is routed to the requester’s manager, who is told by mail', async () => {
    const pending = await untilState(erp, request.id, 'pending_review');
    const [task, ...others] = openTasks(pending);
    expect(others).toEqual([]);
    expect(task?.assignee).toEqual({ id: people.bob.id, userName: 'bob@example.com', displayName: 'Bob' });
    expect(pending.stages[0]).toMatchObject({
      state: 'active',
      quorum: { approvals: 1, received: 0, rejections: 0 },
    });

    const mail = await eventually('a mail to Bob', async () => {
      const { data } = expectStatus(await system.admin.get<Page>('/dev/mail.json?limit=200'), 200);
      return data.find(({ to }) => to === 'bob@example.com');
    });
    expect(mail.subject).toContain('30 laptops');
    expect(mail.text).toContain(request.id);
  });

  it('lists the task for its assignee, who alone can decide it', async () => {
    const tasks = (actor: string) =>
      erp.as(actor).get<Page<{ canDecide: boolean }>>('/v1/tasks?assignee=bob@example.com&state=open');
    expect((await tasks('bob@example.com')).body.data).toMatchObject([
      {
        requestId: request.id,
        requestTitle: '30 laptops',
        canDecide: true,
        workflow: { key: 'purchase-order', version: 1 },
      },
    ]);
    expect((await tasks('carol@example.com')).body.data).toMatchObject([{ canDecide: false }]);
  });

  it('is decided by Bob, and goes on to the finance group', async () => {
    const [task] = await untilTasks(erp, request.id, 1);
    if (!task) throw new Error('no task');
    const stranger = await erp
      .as('carol@example.com')
      .post<Json>(`/v1/tasks/${task.id}/decision`, { decision: 'approve' });
    expect(stranger).toMatchObject({ status: 403, body: { code: 'not_assignee' } });

    const decided = expectStatus(await decide(erp, task, 'approve', { comment: 'Needed.' }), 200);
    expect(decided.stages[0]).toMatchObject({
      state: 'approved',
      quorum: { approvals: 1, received: 1, rejections: 0 },
      tasks: [
        { state: 'approved', decision: 'approve', comment: 'Needed.', decidedBy: { id: people.bob.id } },
      ],
    });
    const tasks = await untilTasks(erp, request.id, 3);
    expect(tasks.map(({ assignee }) => assignee.userName).sort()).toEqual([
      'carol@example.com',
      'dave@example.com',
      'erin@example.com',
    ]);
    expect((await read(erp, request.id)).stageIndex).toBe(1);
  });

  it('is completed by two of them; the third is not asked any more', async () => {
    const tasks = await untilTasks(erp, request.id, 3);
    const taskOf = (userName: string) => {
      const task = tasks.find(({ assignee }) => assignee.userName === userName);
      if (!task) throw new Error(`no task for ${userName}`);
      return task;
    };
    const first = expectStatus(await decide(erp, taskOf('carol@example.com'), 'approve'), 200);
    expect(first).toMatchObject({ state: 'pending_review', stages: [{}, { quorum: { received: 1 } }] });
    const second = expectStatus(await decide(erp, taskOf('dave@example.com'), 'approve'), 200);
    expect(second.state).toBe('completed');
    expect(second.decidedAt).not.toBeNull();
    expect(second.completedAt).not.toBeNull();
    const states = second.stages[1]?.tasks.map(({ assignee, state }) => [assignee.userName, state]);
    expect(Object.fromEntries(states ?? [])).toEqual({
      'carol@example.com': 'approved',
      'dave@example.com': 'approved',
      'erin@example.com': 'canceled',
    });
    expect(await read(erp, request.id)).toEqual(second);
    const late = await decide(erp, taskOf('erin@example.com'), 'approve');
    expect(late).toMatchObject({ status: 409, body: { code: 'task_closed' } });
  });

  it('is told to the standard subscriber event by event, signed, with the request as after each', async () => {
    await subscribers.untilCalls('/standard', allEvents.length);
    const events = standardEvents().filter(({ data }) => data.request.id === request.id);
    expect(events.map(({ type }) => type).sort()).toEqual([...allEvents].sort());
    const ids = new Set(subscribers.to('/standard').map(webhookId));
    expect(ids.size).toBe(allEvents.length);

    const states = Object.fromEntries(events.map(({ type, data }) => [type, data.request.state]));
    expect(states).toMatchObject({
      'request.created': 'submitted',
      'request.approved': 'completed',
      'request.completed': 'completed',
    });
    for (const { data } of events) {
      expect(data.workspaceId).toBe(workspaceId);
      expect(data.request.payload).toEqual(order(5_000));
    }
    const decisions = events.filter(({ type }) => type === 'task.decided');
    expect(decisions.map(({ data }) => data.actor)).toEqual(
      expect.arrayContaining(
        [people.bob, people.carol, people.dave].map(({ id }) => ({ type: 'user', id, via: keyId })),
      ),
    );
    const last = events.find(({ type }) => type === 'request.completed');
    expect(last?.data.request).toEqual(await read(erp, request.id));
    const withoutTask = events.filter(({ type, data }) => type.startsWith('task.') !== Boolean(data.task));
    expect(withoutTask).toEqual([]);
  });

  it('is told to the EasyLife subscriber in exactly its nine fields', async () => {
    await subscribers.untilCalls('/easylife', 3);
    const common = {
      requestId: request.id,
      title: '30 laptops',
      reason: 'Is there no reason?',
      requestorId: 'd3f0fe0f-ad34-4eb2-af61-953ea3a76031',
      totalStages: 2,
      templateId: workflow.id,
      tenantId: workspaceId,
    };
    const financeGroup = [people.carol.id, people.dave.id, people.erin.id];
    const [created, stageApproved, approved] = easylifeBodies().sort(
      (one, other) => Number(one.stage) - Number(other.stage) || participants(one) - participants(other),
    );
    expect(created).toEqual({ ...common, participants: [common.requestorId], stage: 0 });
    const document = readFileSync(path.join(__dirname, 'fixtures', 'easylife-state-change.json'), 'utf8');
    expect(Object.keys(created ?? {})).toEqual(Object.keys(JSON.parse(document) as Json));
    // Nobody has been found for the finance stage yet.
    expect(stageApproved).toEqual({ ...common, participants: [common.requestorId], stage: 1 });
    expect(approved).toEqual({ ...common, participants: expect.any(Array), stage: 1 });
    expect([...(approved?.participants as string[])].sort()).toEqual([...financeGroup].sort());
    expect(subscribers.to('/easylife')).toHaveLength(3);
  });

  it('uses the same webhook-id for an event at both subscribers', () => {
    const idsAt = (path: string) => new Set(subscribers.to(path).map(webhookId));
    const atStandard = idsAt('/standard');
    for (const id of idsAt('/easylife')) expect(atStandard).toContain(id);
  });

  it('has every step in its timeline, oldest first', async () => {
    const timeline = expectStatus(
      await erp.get<Page<{ at: string; type: string; actor: Json }>>(`/v1/requests/${request.id}/timeline`),
      200,
    );
    const types = timeline.data.map(({ type }) => type).filter((type) => allEvents.includes(type));
    expect(types).toEqual(allEvents);
    const times = timeline.data.map(({ at }) => at);
    expect(times).toEqual([...times].sort());
    expect(timeline.nextCursor).toBeNull();
  });

  it('has every transition in the audit log exactly once, under a signed checkpoint', async () => {
    const expected = new Map(
      subscribers.to('/standard').map((call: RecordedCall) => [webhookId(call), JSON.parse(call.text).type]),
    );
    const entries = await eventually('the audit log has the last event', async () => {
      const all = await auditEntries(erp);
      return all.some(({ type }) => type === 'request.completed') ? all : null;
    });
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, position) => position));

    const ours = entries.filter(({ requestId }) => requestId === request.id);
    const told = ours.filter(({ id }) => expected.has(id));
    expect(told.map(({ id, type }) => [id, type]).sort()).toEqual([...expected].sort());
    expect(new Set(ours.map(({ id }) => id)).size).toBe(ours.length);
    // Those of deliveries and mails have none.
    const transitions = ours.flatMap(({ requestVersion }) => requestVersion ?? []);
    const versions = [...new Set(transitions)];
    expect(versions).toEqual([2, 3, 4, 5, 6, 7]);

    expect(entries.map(recomputedLeafHash)).toEqual(entries.map(({ leafHash }) => leafHash));
    for (const entry of entries) {
      expect(recomputedCommitments(entry)).toEqual(entry.sealed.map(({ commitment }) => commitment));
      expect(JSON.stringify(entry.content)).not.toMatch(/Alice|Bob|laptops|Needed\.|example\.com/);
    }
    const checkpoint = await eventually('a checkpoint over all entries', async () => {
      const newest = await verifiedCheckpoint(erp);
      return newest.size === BigInt(entries.length) ? newest : null;
    });
    expect(checkpoint.origin).toBe(`countersign/${workspaceId}`);
    expect(checkpoint.root.toString('base64')).toBe(rootOver(entries));
  });
});

describe('what an answer has said', () => {
  const times = 50;
  let caller: HttpClient;

  beforeAll(async () => {
    caller = system.admin;
  });

  it('holds for a user made by SCIM, who is named as requester and as actor in the very next call', async () => {
    for (let n = 0; n < times; n++) {
      const userName = `new-${n}@example.com`;
      await createUser(caller, { userName, manager: 'bob@example.com' });
      const answer = await caller.as(userName).post<RequestView>('/v1/requests', {
        workflow: 'purchase-order',
        title: `number ${n}`,
        requester: userName,
        payload: order(10),
      });
      const { id } = expectStatus(answer, 201);
      expectStatus(await caller.get(`/v1/requests/${id}`), 200);
    }
  });

  it('holds for a user who is named as an approver in the very next call', async () => {
    await createUser(caller, { userName: 'approver@example.com' });
    await publish(
      caller,
      'key: named\nstages:\n  - key: only\n    approvers: [ { user: approver@example.com } ]\n',
    );
    const { id } = await submit(caller, { workflow: 'named' });
    const [task] = await untilTasks(caller, id);
    expect(task?.assignee.userName).toBe('approver@example.com');
  });

  it('holds for a group and its new members', async () => {
    const member = await createUser(caller, { userName: 'member@example.com' });
    await createGroup(caller, 'newcomers', [member.id]);
    await publish(caller, 'key: grouped\nstages:\n  - key: only\n    approvers: [ { group: newcomers } ]\n');
    const { id } = await submit(caller, { workflow: 'grouped' });
    const [task] = await untilTasks(caller, id);
    expect(task?.assignee.userName).toBe('member@example.com');
  });

  it('holds for a key, which is used in the very next call', async () => {
    for (let n = 0; n < times; n++) {
      const { key } = expectStatus(
        await caller.post<{ key: string }>('/v1/api-keys', { name: `key ${n}`, scopes: ['requests:read'] }),
        201,
      );
      expect((await system.caller(key).get('/v1/requests?limit=1')).status).toBe(200);
    }
  });

  it('holds for a published version, which the next request starts on and is routed by', async () => {
    for (let version = 1; version <= 10; version++) {
      const stages = `  - key: round-${version}\n    approvers: [ { user: bob@example.com } ]\n`;
      expect((await publish(caller, `key: rounds\nstages:\n${stages}`)).version).toBe(version);
      const { id, workflow } = await submit(caller, { workflow: 'rounds' });
      expect(workflow.version).toBe(version);
      const [task] = await untilTasks(caller, id);
      expect(task?.stageKey).toBe(`round-${version}`);
    }
  });

  it('holds for a decision: the next GET and the next list show it', async () => {
    for (let n = 0; n < times; n++) {
      const { id } = await submit(caller, { workflow: 'purchase-order', payload: order(10) });
      const [task] = await untilTasks(caller, id);
      if (!task) throw new Error('no task');
      const decided = expectStatus(await decide(caller, task, 'approve'), 200);
      expect(decided.state).toBe('completed');
      expect(await read(caller, id)).toEqual(decided);
      const { body } = await caller.get<Json>(`/v1/tasks/${task.id}`);
      expect(body.state).toBe('approved');
    }
  });
});

const participants = (body: Json): number => (body.participants as string[]).length;

it('has handled every message at the first try', () => {
  expect(system.faults()).toEqual([]);
});
