import type { RequestView } from '@countersign/contracts';
import { eventually } from './eventually';
import { expectStatus, type HttpClient, type ProblemBody } from './http-client';
import { createOrganisation, createUser, type Organisation } from './organisation';
import { decide, openTasks, order, read, submit, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, workflowOf } from './workflows';

jest.setTimeout(90_000);

interface SimulationAnswer {
  state: string;
  stages: {
    key: string;
    state: string;
    explanation: string;
    approvers: { id: string; userName: string; why: string }[];
  }[];
}

/** Both ways into a stage, sources of every kind, four eyes, and somebody who may not approve for themselves. */
const contract = `key: contract
title: Contract
subject:
  type: object
  required: [amount, department, region]
  properties:
    amount: { type: number }
    department: { type: string }
    region: { type: string }
    owner: { type: string }
reasonCodes: { approve: [fine], reject: [budget] }
stages:
  - key: manager
    title: Line manager
    approvers: [ { manager: { levels: 1 } } ]
    comment: required
  - parallel:
      - key: finance
        title: Finance
        when: payload.amount > 1000
        approvers: [ { group: finance }, { user: alice@example.com } ]
        quorum: { approvals: 2 }
      - key: legal
        title: Legal
        when: payload.region == "APAC"
        approvers: [ { user: nobody@example.com } ]
        onNoApprovers: skip
  - key: board
    title: Board
    when: stages.finance.state == "approved" && requester.department == "IT"
    approvers: [ { user: erin@example.com }, { user: bob@example.com }, { expression: 'has(payload.owner) ? payload.owner : "dave@example.com"' } ]
    distinctFrom: [finance, manager]
    order: sequential
    quorum: all
`;

let system: TestSystem;
let client: HttpClient;
let people: Organisation;

beforeAll(async () => {
  system = await startTestSystem();
  client = system.admin;
  people = await createOrganisation(client);
  await publish(client, contract);
});

afterAll(() => system?.stop());

const simulate = (body: object, key = 'contract') =>
  client.post<SimulationAnswer>(`/v1/workflows/${key}/simulate`, { requester: 'alice@example.com', ...body });

/** Submits the request for real and lets these people decide, each once they are asked. */
const really = async (
  payload: unknown,
  decisions: { stage: string; by: string; decision: 'approve' | 'reject' | 'return' }[],
  workflow = 'contract',
  requester = 'alice@example.com',
): Promise<RequestView> => {
  const request = await submit(client, { workflow, payload, requester });
  for (const { stage, by, decision } of decisions) {
    const task = await eventually(`${by} is asked in ${stage}`, async () =>
      openTasks(await read(client, request.id)).find(
        ({ stageKey, assignee }) => stageKey === stage && assignee.userName === by,
      ),
    );
    const reasonCode = decision === 'return' ? undefined : decision === 'approve' ? 'fine' : 'budget';
    expectStatus(await decide(client, task, decision, { comment: 'Seen.', reasonCode }), 200);
  }
  return eventually('the request waits for people, or has ended', async () => {
    const now = await read(client, request.id);
    const over = !['submitted', 'pending_review', 'approved'].includes(now.state);
    return over || openTasks(now).length > 0 ? now : null;
  });
};

const by = (stage: string, who: string, decision: 'approve' | 'reject' | 'return' = 'approve') => ({
  stage,
  by: `${who}@example.com`,
  decision,
});

const toTheBoard = [by('manager', 'bob'), by('finance', 'carol'), by('finance', 'dave')];

const expectSame = (simulated: SimulationAnswer, real: RequestView) => {
  expect(simulated.state).toBe(real.state);
  simulated.stages.forEach((stage, index) => {
    const is = real.stages[index];
    if (!is) throw new Error(`there is no stage ${index}`);
    expect(stage.key).toBe(is.key);
    // What is not reached yet is shown as it will be.
    expect(is.state === 'pending' ? ['pending', 'skipped'] : [is.state]).toContain(stage.state);
    expect(stage.explanation).not.toBe('');
    if (is.explanation) expect(stage.explanation.endsWith(is.explanation)).toBe(true);
    const asked = is.tasks.map(({ assignee }) => assignee.id);
    expect(stage.approvers.slice(0, asked.length).map(({ id }) => id)).toEqual(asked);
    if (is.state !== 'pending' && is.key !== 'board') expect(stage.approvers).toHaveLength(asked.length);
    for (const { why } of stage.approvers) expect(why).toMatch(/^\S.*\.$/);
  });
};

describe('a simulation', () => {
  it.each([
    ['a small order', order(800), []],
    ['a large one', order(1200), [by('manager', 'bob')]],
    ['one that reaches the last stage', order(1200), toTheBoard],
    ['one that is sent back', order(1200), [by('manager', 'bob', 'return')]],
    ['one that is refused', order(1200), [by('manager', 'bob'), by('finance', 'erin', 'reject')]],
    ['one that skips a stage without approvers', { ...order(1200), region: 'APAC' }, toTheBoard],
    ['one that is approved', order(1200), [...toTheBoard, by('board', 'erin')]],
  ])('of %s is what happens when it is submitted', async (_, payload, decisions) => {
    const simulated = expectStatus(await simulate({ payload, decisions }), 200);
    const real = await really(payload, decisions);
    expectSame(simulated, real);
  });

  it('finds people in every way that a real request does', async () => {
    const scim = async (userName: string, more: object): Promise<string> => {
      const headers = { 'content-type': 'application/scim+json' };
      return expectStatus(
        await client.post<{ id: string }>('/scim/v2/Users', { userName, ...more }, { headers }),
        201,
      ).id;
    };
    const extension = 'urn:countersign:scim:schemas:1.0:User';
    const counsel = await scim('counsel@example.com', { roles: [{ value: 'counsel' }] });
    await scim('gone@example.com', { roles: [{ value: 'counsel' }], active: false });
    expectStatus(
      await client.post(
        '/scim/v2/Groups',
        { displayName: 'signers', members: [{ value: counsel }, { value: people.alice.id }] },
        {
          headers: { 'content-type': 'application/scim+json' },
        },
      ),
      201,
    );
    const chief = await scim('chief@example.com', { [extension]: { approvalLimit: 10_000 } });
    const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const vice = await scim('vice@example.com', {
      [extension]: { approvalLimit: 100 },
      [enterprise]: { manager: { value: chief } },
    });
    await scim('asker@example.com', { [enterprise]: { manager: { value: vice } } });
    await publish(
      client,
      workflowOf(
        'sources',
        `  - key: limit
    approvers: [ { manager: { untilLimit: payload.amount } } ]
    quorum: all
    order: sequential
  - key: signers
    approvers: [ { group: signers }, { role: counsel }, { field: payload.owner } ]
    selfApproval: reroute
    quorum: { each: [ { group: signers, approvals: 1 }, { role: counsel, approvals: 1 } ] }
    distinctFrom: [limit]
  - key: nobody
    title: Nobody
    approvers: [ { user: ghost@example.com }, { role: counsel } ]
    quorum: { percent: 60 }
    distinctFrom: [signers]
    onNoApprovers: { fallback: [ { matrix: [ { when: payload.amount > 5, to: [ { group: nothing }, { user: asker@example.com } ] } ] } ] }
`,
      ),
    );
    const payload = { amount: 5000, owner: 'dave@example.com' };
    const requester = 'asker@example.com';
    const decisions = [by('limit', 'vice'), by('limit', 'chief'), by('signers', 'counsel')];
    for (const made of [decisions.slice(0, 1), decisions.slice(0, 2), decisions]) {
      const simulated = expectStatus(await simulate({ payload, requester, decisions: made }, 'sources'), 200);
      expectSame(simulated, await really(payload, made, 'sources', requester));
    }
    const { stages } = expectStatus(await simulate({ payload, requester }, 'sources'), 200);
    expect(stages.map(({ approvers }) => approvers.map(({ userName }) => userName.split('@')[0]))).toEqual([
      ['vice', 'chief'],
      ['alice', 'counsel', 'dave'],
      [],
    ]);
  });

  it('explains stages, approvers and what is skipped in plain words', async () => {
    const { state, stages } = expectStatus(await simulate({ payload: order(800) }), 200);
    expect(state).toBe('pending_review');
    expect(stages).toEqual([
      {
        key: 'manager',
        state: 'active',
        explanation: '1 of 1 approver must approve.',
        approvers: [{ id: people.bob.id, userName: 'bob@example.com', why: 'Line manager of Alice.' }],
        evidence: [
          {
            purpose: 'start',
            directoryVersion: expect.any(Number) as number,
            at: expect.any(String) as string,
            sources: [
              {
                rule: 'approvers.0',
                kind: 'levels',
                refs: 1,
                named: 1,
                people: [people.bob.id],
                of: [people.alice.id],
                levels: 1,
              },
            ],
          },
        ],
      },
      {
        key: 'finance',
        state: 'skipped',
        explanation: 'Skipped: amount is 800, Finance starts above 1000.',
        approvers: [],
        evidence: [],
      },
      {
        key: 'legal',
        state: 'skipped',
        explanation: 'Skipped: region is EMEA, Legal is for APAC.',
        approvers: [],
        evidence: [],
      },
      {
        key: 'board',
        state: 'skipped',
        explanation: 'Skipped: the stage finance is skipped, Board needs it to be approved.',
        approvers: [],
        evidence: [],
      },
    ]);
  });

  it('sees people and changes of them at once, and knows who is unknown', async () => {
    const frank = await createUser(client, { userName: 'frank@example.com', manager: people.carol.id });
    const { stages } = expectStatus(await simulate({ payload: order(5), requester: frank.id }), 200);
    expect(stages[0]?.approvers).toMatchObject([
      { userName: 'carol@example.com', why: 'Line manager of frank.' },
    ]);
    const unknown = await client.post<ProblemBody>('/v1/workflows/contract/simulate', {
      requester: 'alice@example.com',
      payload: order(5),
      decisions: [by('manager', 'bob'), by('manager', 'ghost')],
    });
    expect([unknown.status, unknown.body.code, unknown.body.errors?.map(({ pointer }) => pointer)]).toEqual([
      422,
      'unknown_reference',
      ['/decisions/1/by'],
    ]);
    const nobody = await simulate({ payload: order(5), requester: 'ghost@example.com' });
    expect(nobody.status).toBe(422);
  });

  it('calls no webhook and shows what follows it', async () => {
    const stages = `  - key: owner
    approvers: [ { webhook: { url: 'https://erp.example.com/approvers?key=hidden' } } ]
  - key: after
    approvers: [ { group: finance } ]
    quorum: majority
`;
    await publish(client, workflowOf('guest', stages));
    const answer = expectStatus(await simulate({ payload: {} }, 'guest'), 200);
    expect(answer).toMatchObject({
      state: 'pending_review',
      stages: [
        {
          state: 'active',
          approvers: [],
          explanation:
            'Needs one approval. Whom https://erp.example.com/approvers names is asked when the stage starts.',
        },
        { state: 'pending', approvers: [{}, {}, {}], explanation: '2 of 3 approvers must approve.' },
      ],
    });
    expect(await system.sql('SELECT 1 FROM approver_resolution.resolver_call')).toEqual([]);
  });

  it('of 500 stages answers in bounded time', async () => {
    const stages = Array.from(
      { length: 500 },
      (_, n) =>
        `  - key: s${n}\n    approvers: [ { user: bob@example.com }, { group: finance } ]\n    when: payload.n < ${n + 450}\n`,
    ).join('');
    const draft = await client.post<{ version: number }>('/v1/workflows', workflowOf('long', stages), {
      type: 'application/yaml',
    });
    const { version } = expectStatus(draft, 201);
    const since = Date.now();
    const answer = expectStatus(await simulate({ payload: { n: 500 }, version }, 'long'), 200);
    expect(Date.now() - since).toBeLessThan(30_000);
    expect(answer.stages).toHaveLength(500);
    expect(answer.stages.filter(({ state }) => state === 'skipped')).toHaveLength(51);
    expect(answer.stages[499]?.approvers).toHaveLength(4);
  });

  it('leaves nothing behind', async () => {
    const rows = () =>
      system.sql(`SELECT (SELECT count(*) FROM intake.request) AS requests, (SELECT count(*) FROM routing.request) AS routed,
        (SELECT count(*) FROM intake.approver_question) AS questions, (SELECT count(*) FROM intake.idempotency) AS keys,
        (SELECT count(*) FROM approver_resolution.resolution) AS resolutions`);
    const before = await rows();
    expectStatus(await simulate({ payload: order(5000), decisions: toTheBoard }), 200);
    expect(await rows()).toEqual(before);
    expect(system.faults()).toEqual([]);
    await untilTasks(client, (await submit(client, { workflow: 'contract', payload: order(5) })).id);
  });
});

interface ReplayAnswer {
  examined: number;
  changed: { requestId: string; differences: string[] }[];
  truncated?: boolean;
}

describe('a replay', () => {
  const replay = (key: string, version: number, body: object) =>
    client.post<ReplayAnswer>(`/v1/workflows/${key}/versions/${version}/replay`, body);
  const stages = (quorum: string, when: string, more = '') => `  - key: team
    title: Team
    approvers: [ { group: finance } ]
    quorum: ${quorum}
  - key: board
    title: Board
    when: ${when}
    approvers: [ { manager: { levels: 2 } } ]
${more}`;

  it('tells which requests a draft would have treated differently, with what people really decided', async () => {
    const from = new Date().toISOString();
    await publish(client, workflowOf('past', stages('any', 'payload.amount > 1000')));
    const ask = (amount: number) => submit(client, { workflow: 'past', payload: { amount } });
    const [small, large, refused] = [await ask(800), await ask(1200), await ask(50)];
    for (const [{ id }, decision] of [
      [small, 'approve'],
      [large, 'approve'],
      [refused, 'reject'],
    ] as const) {
      const [task] = await untilTasks(client, id, 3);
      if (!task) throw new Error('no task');
      expectStatus(await decide(client, task, decision), 200);
    }
    await untilTasks(client, large.id, 1);
    const draft = await client.post<{ version: number }>(
      '/v1/workflows',
      workflowOf('past', stages('{ approvals: 2 }', 'payload.amount > 700', '    expire: { after: P1D }\n')),
      { type: 'application/yaml' },
    );
    const { version } = expectStatus(draft, 201);
    const period = { from, to: new Date(Date.now() + 60_000).toISOString() };
    const needs = 'Team: 2 of 3 approvers must approve. It was: 1 of 3 approvers must approve.';
    expect(expectStatus(await replay('past', version, period), 200)).toEqual({
      examined: 3,
      changed: [
        { requestId: refused.id, differences: [needs] },
        { requestId: large.id, differences: [needs] },
        { requestId: small.id, differences: [needs, 'Board is asked: amount is 800, above 700.'] },
      ],
    });
    expect(expectStatus(await replay('past', 1, period), 200)).toEqual({ examined: 3, changed: [] });
    const none = await replay('past', version, { from: '2020-01-01T00:00:00Z', to: from });
    expect(expectStatus(none, 200)).toEqual({ examined: 0, changed: [] });
  });

  it('finds nothing different in a version that says the same', async () => {
    const again = await client.post<{ version: number }>('/v1/workflows', contract, {
      type: 'application/yaml',
    });
    const { version } = expectStatus(again, 201);
    const period = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };
    const answer = expectStatus(await replay('contract', version, period), 200);
    expect(answer.examined).toBeGreaterThan(5);
    expect(answer.changed).toEqual([]);
    expect(system.faults()).toEqual([]);
  });
});
