import type { DirectoryPerson } from '@countersign/contracts';
import type { CallOptions } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { answerPreviews, type AnsweringDirectory } from '../../../test/answering-directory';
import { createIntake, type Intake } from '../../../test/create-intake';

jest.setTimeout(60_000);

const order = {
  key: 'order',
  title: 'Order',
  subject: {
    type: 'object',
    required: ['amount'],
    properties: { amount: { type: 'number', minimum: 0 } },
    additionalProperties: false,
  },
  stages: [
    { key: 'first', title: 'First', approvers: [{ user: 'mona' }], comment: 'required' },
    {
      key: 'finance',
      title: 'Finance',
      when: 'payload.amount > 1000 || requester.department == "lab"',
      approvers: [{ group: 'finance' }],
      quorum: 'all',
    },
    { key: 'last', approvers: [{ user: 'mona' }] },
  ],
};

describe('simulating a request', () => {
  let intake: Intake;
  let directory: AnsweringDirectory;
  let [rita, mona, fay, fred]: DirectoryPerson[] = [];

  beforeAll(async () => {
    intake = await createIntake();
    [rita, mona, fay, fred] = [
      await intake.meet('rita'),
      await intake.meet('mona'),
      await intake.meet('fay'),
      await intake.meet('fred'),
    ];
    directory = answerPreviews(intake, [rita, mona, fay, fred], { finance: ['fay', 'fred', 'rita'] });
    expect((await intake.call('POST', '/v1/workflows', order)).status).toBe(201);
    expect((await intake.call('POST', '/v1/workflows/order/versions/1/publish', {})).status).toBe(200);
  });
  afterAll(async () => {
    await directory?.stop();
    await intake?.stop();
  });
  beforeEach(() => {
    directory.asked.length = 0;
  });

  const simulate = (body: object, options: CallOptions = {}, key = 'order') =>
    intake.call(
      'POST',
      `/v1/workflows/${key}/simulate`,
      { payload: { amount: 5 }, requester: 'rita', ...body },
      options,
    );

  it('shows state, stages, approvers and reasons, and asks for all of them at once', async () => {
    const decisions = [{ stage: 'first', by: mona?.id, decision: 'approve' }];
    const answer = await simulate({ payload: { amount: 1200 }, decisions }, { scopes: ['workflows:read'] });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      state: 'pending_review',
      stages: [
        {
          key: 'first',
          state: 'approved',
          explanation: '1 of 1 approver must approve.',
          approvers: [{ id: mona?.id, userName: 'mona', why: 'Named by user.' }],
          evidence: [],
        },
        {
          key: 'finance',
          state: 'active',
          explanation: 'Applies: amount is 1200, above 1000. 2 of 2 approvers must approve.',
          approvers: [
            { id: fay?.id, userName: 'fay', why: 'Named by group.' },
            { id: fred?.id, userName: 'fred', why: 'Named by group.' },
          ],
          evidence: [],
        },
        {
          key: 'last',
          state: 'pending',
          explanation: '1 of 1 approver must approve.',
          approvers: [{ id: mona?.id, userName: 'mona', why: 'Named by user.' }],
          evidence: [],
        },
      ],
    });
    // The two stages that ask Mona ask the same.
    expect(directory.asked.map(({ questions }) => questions.length)).toEqual([2]);
  });

  it('sees the requester as a submission would', async () => {
    const before = (await simulate({})).body.stages[1];
    expect(before.explanation).toBe(
      "Skipped: amount is 5 and the requester's department is not set; Finance needs amount above 1000 or the requester's department lab.",
    );
    const moved = { ...rita, department: 'lab', version: 2 } as DirectoryPerson;
    await intake.tell('directory.changed.v1', { people: [moved], deleted: [] });
    const after = (await simulate({ requester: 'RITA' })).body.stages[1];
    expect(after).toMatchObject({ state: 'pending', approvers: [{ userName: 'fay' }, { userName: 'fred' }] });
    expect(after.explanation).toBe(
      "Applies: the requester's department is lab. 2 of 2 approvers must approve.",
    );
  });

  it('takes the published version, or any by its number', async () => {
    const draft = { ...order, stages: [order.stages[2]] };
    expect((await intake.call('POST', '/v1/workflows', draft)).body.version).toBe(2);
    expect((await simulate({})).body.stages).toHaveLength(3);
    expect((await simulate({ version: 2 })).body.stages).toHaveLength(1);
    expect((await simulate({ version: 3 })).status).toBe(404);
    expect((await simulate({}, {}, 'nothing')).status).toBe(404);
    await intake.call('POST', '/v1/workflows', { ...order, key: 'unpublished' });
    expect((await simulate({}, {}, 'unpublished')).status).toBe(404);
    expect((await simulate({ version: 1 }, {}, 'unpublished')).status).toBe(200);
    expect((await simulate({}, { workspace: v7() })).status).toBe(404);
  });

  it('refuses what a submission would refuse, and says where', async () => {
    const refusal = async (body: object, options: CallOptions = {}) => {
      const { status, body: problem } = await simulate(body, options);
      const pointers = (problem.errors ?? []).map(({ pointer }: { pointer: string }) => pointer);
      return [status, problem.code, ...pointers];
    };
    expect(await refusal({ payload: { amount: -1, more: 1 } })).toEqual([
      422,
      'payload_invalid',
      '/payload/more',
      '/payload/amount',
    ]);
    expect(await refusal({ title: 'x' })).toEqual([400, 'validation_failed', '/title']);
    const unclear = { decisions: [{ stage: 'first', by: 'mona', decision: 'maybe' }] };
    expect(await refusal(unclear)).toEqual([400, 'validation_failed', '/decisions/0/decision']);
    expect(await refusal({}, { scopes: ['workflows:write'] })).toEqual([403, 'insufficient_scope']);
    expect(await refusal({}, { workflows: ['other'] })).toEqual([403, 'workflow_not_allowed']);
    expect((await refusal({ payload: { amount: 'x'.repeat(300_000) } }))[0]).toBe(413);
  });

  it('refuses a decision that nobody could make', async () => {
    const decisions = [
      { stage: 'first', by: 'mona', decision: 'approve' },
      { stage: 'last', by: 'fay', decision: 'reject' },
    ];
    const { status, body } = await simulate({ payload: { amount: 5000 }, decisions });
    expect([status, body.code, body.errors]).toEqual([
      400,
      'validation_failed',
      [{ pointer: '/decisions/1', message: 'The stage last has not started when fay would decide in it.' }],
    ]);
  });

  it('writes nothing down, and answers the same key anew', async () => {
    const tables = ['request', 'request_payload', 'task', 'command', 'idempotency', 'approver_question'];
    const rows = async () =>
      Promise.all(
        tables.map(
          async (table) => (await intake.sql<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n,
        ),
      );
    const before = await rows();
    const headers = { 'idempotency-key': 'one' };
    expect((await simulate({ payload: { amount: 1 } }, { headers })).status).toBe(200);
    const again = await simulate({ payload: { amount: 5000 } }, { headers });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, null]);
    expect(await rows()).toEqual(before);
  });

  it('refuses to look at too many people', async () => {
    directory.manner = 'too many';
    const { status, body } = await simulate({});
    directory.manner = 'answers';
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });

  it('says that the directory is away when it does not answer within two seconds', async () => {
    directory.manner = 'silent';
    const since = Date.now();
    const answer = await simulate({ payload: { amount: 5 } });
    directory.manner = 'answers';
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'unavailable',
      '1',
    ]);
    expect(Date.now() - since).toBeGreaterThanOrEqual(1_900);
    expect(Date.now() - since).toBeLessThan(5_000);
  });
});
