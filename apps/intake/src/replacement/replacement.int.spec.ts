import type { DirectoryPerson, JobData, RequestSnapshot, TaskSnapshot } from '@countersign/contracts';
import { v7 } from 'uuid';
import { createIntake, type Intake } from '../../test/create-intake';

interface Replacement {
  tasks: {
    id: string;
    stageKey: string;
    to: { userName: string };
    obstacle: string | null;
    commandId: string | null;
  }[];
  workflows: {
    key: string;
    version: number;
    state: string;
    pointers: string[];
    elsewhere: boolean;
    draft: number | null;
  }[];
  code?: string;
  errors?: { pointer: string }[];
}

describe('POST /v1/directory/replace', () => {
  let intake: Intake;
  let [alice, bob]: DirectoryPerson[] = [];
  beforeAll(async () => {
    intake = await createIntake();
    alice = await intake.meet('alice@test');
    bob = await intake.meet('bob@test');
  });
  afterAll(() => intake.stop());

  const post = (path: string, body: unknown, options = {}) => intake.call('POST', path, body, options);
  const replace = async (body: Record<string, unknown>, options = {}) => {
    const answer = await post('/v1/directory/replace', body, options);
    return { status: answer.status, body: answer.body as Replacement };
  };
  const yaml = async (text: string) => {
    const headers = { 'content-type': 'application/yaml' };
    expect((await intake.call('POST', '/v1/workflows', text, { headers })).status).toBe(201);
  };
  const person = ({ id, externalId, userName, displayName, email }: DirectoryPerson) => ({
    id,
    externalId,
    userName,
    displayName,
    email,
  });
  const task = (requestId: string, assignee: DirectoryPerson, onBehalfOf: DirectoryPerson | null = null) =>
    ({
      id: v7(),
      requestId,
      stageKey: 'first',
      state: 'open',
      assignee: person(assignee),
      onBehalfOf: onBehalfOf && person(onBehalfOf),
      revision: 1,
      dueAt: null,
      decision: null,
      decidedBy: null,
      reasonCode: null,
      comment: null,
      decidedAt: null,
    }) satisfies TaskSnapshot;

  it('shows the open tasks and the definitions that name the leaver, and changes nothing, with dryRun', async () => {
    if (!alice || !bob) throw new Error('nobody is there');
    const created = await post('/v1/workflows', {
      key: 'plain',
      stages: [{ key: 'first', approvers: [{ user: 'ALICE@test' }] }],
    });
    expect(created.status).toBe(201);
    expect((await post('/v1/workflows/plain/versions/1/publish', {})).status).toBe(200);
    await post('/v1/workflows', {
      key: 'other',
      stages: [{ key: 'first', approvers: [{ user: 'bob@test' }, { expression: '["alice@test"]' }] }],
    });
    const request = await post('/v1/requests', {
      workflow: 'plain',
      title: 'Chairs',
      requester: 'alice@test',
      payload: {},
    });
    expect(request.status).toBe(201);
    const requestId = String(request.body.id);
    const before = await intake.snapshot(requestId);
    const snapshot: RequestSnapshot = {
      ...before,
      version: before.version + 1,
      state: 'pending_review',
      stages: before.stages.map((stage) => ({
        ...stage,
        state: 'active',
        tasks: [task(requestId, alice!), { ...task(requestId, bob!, alice), stageKey: 'second' }],
      })),
    };
    await intake.tell('request.transitioned.v1', { request: snapshot, events: [], revisionPayload: null });

    const preview = await replace({ from: alice.id, to: 'bob@test', dryRun: true });
    expect(preview.status).toBe(200);
    expect(preview.body.tasks.map(({ obstacle, commandId }) => [obstacle, commandId])).toEqual([
      [null, null],
      ['bob@test has the task already.', null],
    ]);
    expect(preview.body.workflows).toEqual([
      { key: 'other', version: 1, state: 'draft', pointers: [], elsewhere: true, draft: null },
      {
        key: 'plain',
        version: 1,
        state: 'published',
        pointers: ['/stages/0/approvers/0/user'],
        elsewhere: false,
        draft: null,
      },
    ]);
    expect((await intake.get('/v1/workflows/plain/versions/2')).status).toBe(404);

    const done = await replace({ from: alice.id, to: 'bob@test', dryRun: false });
    expect(done.body.workflows.map(({ key, draft }) => [key, draft])).toEqual([
      ['other', null],
      ['plain', 2],
    ]);
    const draft = await intake.get('/v1/workflows/plain/versions/2');
    expect(draft.body).toMatchObject({
      state: 'draft',
      definition: { stages: [{ approvers: [{ user: 'bob@test' }] }] },
    });
    const [first, second] = done.body.tasks;
    expect(second?.commandId).toBeNull();
    const [sent] = await intake.sql<{ envelope: { data: JobData<'task.reassign.v1'> } }>(
      `SELECT envelope FROM outbox_message WHERE envelope ->> 'type' = 'task.reassign.v1'`,
    );
    expect(sent?.envelope.data).toMatchObject({
      commandId: first?.commandId,
      taskId: first?.id,
      to: { id: bob.id },
      toVersion: 1,
      actor: { type: 'service' },
      reason: 'bob@test takes the place of alice@test',
    });
    // A second time there is nothing more to add.
    const again = await replace({ from: alice.id, to: 'bob@test', dryRun: false });
    expect(again.body.workflows.map(({ draft: added }) => added)).toEqual([null, null]);
  });

  it('gives back to the delegator what the leaver holds only as their delegate', async () => {
    const [dan, eve, zoe] = [
      await intake.meet('dan@test'),
      await intake.meet('eve@test'),
      await intake.meet('zoe@test'),
    ];
    await post('/v1/workflows', {
      key: 'delegated',
      stages: [{ key: 'first', approvers: [{ user: 'eve@test' }] }],
    });
    expect((await post('/v1/workflows/delegated/versions/1/publish', {})).status).toBe(200);
    const request = await post('/v1/requests', {
      workflow: 'delegated',
      title: 'Desks',
      requester: 'bob@test',
      payload: {},
    });
    const requestId = String(request.body.id);
    const before = await intake.snapshot(requestId);
    const tasks = [
      task(requestId, dan),
      task(requestId, dan, eve),
      { ...task(requestId, zoe, dan), stageKey: 'second' },
      { ...task(requestId, dan, zoe), stageKey: 'third' },
    ];
    const snapshot: RequestSnapshot = {
      ...before,
      version: before.version + 1,
      state: 'pending_review',
      stages: before.stages.map((stage) => ({ ...stage, state: 'active', tasks })),
    };
    await intake.tell('request.transitioned.v1', { request: snapshot, events: [], revisionPayload: null });

    const preview = await replace({ from: 'dan@test', to: 'zoe@test', dryRun: true });
    const told = ({ tasks }: Replacement) => tasks.map(({ id, to, obstacle }) => [id, to.userName, obstacle]);
    expect(told(preview.body)).toEqual([
      [tasks[0]?.id, 'zoe@test', null],
      [tasks[1]?.id, 'eve@test', null],
      [tasks[2]?.id, 'zoe@test', 'zoe@test has the task already.'],
      [tasks[3]?.id, 'zoe@test', null],
    ]);
    const done = await replace({ from: 'dan@test', to: 'zoe@test', dryRun: false });
    expect(told(done.body)).toEqual(told(preview.body));
    const sent = await intake.sql<{ data: JobData<'task.reassign.v1'> }>(
      `SELECT envelope -> 'data' AS data FROM outbox_message
        WHERE envelope ->> 'type' = 'task.reassign.v1' AND envelope -> 'data' ->> 'requestId' = $1 ORDER BY id`,
      [requestId],
    );
    const reassigned = sent.map(({ data }) => [data.taskId, data.to.id, data.reason]);
    expect(reassigned).toHaveLength(3);
    expect(reassigned).toEqual(
      expect.arrayContaining([
        [tasks[0]?.id, zoe.id, 'zoe@test takes the place of dan@test'],
        [tasks[1]?.id, eve.id, 'zoe@test takes the place of dan@test, who stood in for eve@test'],
        [tasks[3]?.id, zoe.id, 'zoe@test takes the place of dan@test, who stood in for zoe@test'],
      ]),
    );
  });

  it('keeps what an author wrote around the names', async () => {
    await yaml(
      '# Ours\nkey: commented\nstages:\n  - key: first # who?\n    approvers: [ {user: alice@test} ]\n',
    );
    const done = await replace({ from: 'alice@test', to: 'bob@test', dryRun: false });
    const changed = done.body.workflows.find(({ key }) => key === 'commented');
    expect(changed?.draft).toBe(2);
    const draft = await intake.get('/v1/workflows/commented/versions/2');
    expect(draft.body.text).toBe(
      '# Ours\nkey: commented\nstages:\n  - key: first # who?\n    approvers: [ {user: bob@test} ]\n',
    );
  });

  it('is refused for people who are not there, or are one', async () => {
    await intake.tell('directory.changed.v1', {
      people: [{ ...(await intake.meet('gone@test')), active: false, version: 2 }],
      deleted: [],
    });
    expect((await replace({ from: 'gone@test', to: 'bob@test', dryRun: true })).status).toBe(200);
    const same = await replace({ from: 'bob@test', to: bob?.id, dryRun: true });
    expect([same.status, same.body.code]).toEqual([400, 'validation_failed']);
  });

  it('says beforehand what routing would refuse', async () => {
    const [uma, vic, wes] = [
      await intake.meet('uma@test'),
      await intake.meet('vic@test'),
      await intake.meet('wes@test'),
    ];
    await intake.meet('xia@test');
    const submitted = async (key: string, more: object, requester: string) => {
      const stages = [
        { key: 'early', approvers: [{ user: 'uma@test' }] },
        { key: 'first', approvers: [{ user: 'uma@test' }], ...more },
      ];
      await post('/v1/workflows', { key, stages });
      await post(`/v1/workflows/${key}/versions/1/publish`, {});
      const body = { workflow: key, title: 'Lamps', requester, payload: {} };
      const requestId = String((await post('/v1/requests', body)).body.id);
      return intake.snapshot(requestId);
    };
    const tell = async (before: RequestSnapshot, early: TaskSnapshot[], first: TaskSnapshot[]) =>
      intake.tell('request.transitioned.v1', {
        request: {
          ...before,
          version: before.version + 1,
          state: 'pending_review',
          stages: before.stages.map((stage, index) => ({ ...stage, tasks: index === 0 ? early : first })),
        },
        events: [],
        revisionPayload: null,
      });
    const decided = (one: TaskSnapshot): TaskSnapshot => ({
      ...one,
      state: 'approved',
      decision: 'approve',
      decidedBy: one.assignee,
      decidedAt: new Date().toISOString(),
    });

    const own = await submitted('own', {}, 'vic@test');
    await tell(own, [], [task(own.id, uma)]);
    const allowed = await submitted('allowed', { selfApproval: 'allow' }, 'vic@test');
    await tell(allowed, [], [task(allowed.id, uma)]);
    const both = await submitted('both', {}, 'xia@test');
    await tell(both, [], [task(both.id, uma), decided(task(both.id, vic))]);
    const eyes = await submitted('eyes', { distinctFrom: ['early'] }, 'xia@test');
    await tell(eyes, [decided({ ...task(eyes.id, vic), stageKey: 'early' })], [task(eyes.id, uma)]);
    const free = await submitted('free', {}, 'xia@test');
    await tell(
      free,
      [decided({ ...task(free.id, vic), stageKey: 'early' })],
      [task(free.id, uma), task(free.id, wes)],
    );

    const expected = [
      'vic@test may not approve their own request.',
      null,
      'vic@test is asked in the stage first already.',
      'vic@test has decided the stage early (four eyes).',
      null,
    ];
    const preview = await replace({ from: 'uma@test', to: 'vic@test', dryRun: true });
    expect(preview.body.tasks.map(({ obstacle }) => obstacle)).toEqual(expected);
    const done = await replace({ from: 'uma@test', to: 'vic@test', dryRun: false });
    expect(done.body.tasks.map(({ obstacle }) => obstacle)).toEqual(expected);
    expect(done.body.tasks.map(({ commandId }) => commandId !== null)).toEqual(
      expected.map((obstacle) => obstacle === null),
    );
  });

  it('is never done by leaving dryRun out', async () => {
    const answer = await replace({ from: 'alice@test', to: 'bob@test' });
    expect([answer.status, answer.body.code, answer.body.errors?.map(({ pointer }) => pointer)]).toEqual([
      400,
      'validation_failed',
      ['/dryRun'],
    ]);
  });
});
