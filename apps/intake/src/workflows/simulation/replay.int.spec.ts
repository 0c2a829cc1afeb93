import type { DirectoryPerson, RequestSnapshot, TaskSnapshot } from '@countersign/contracts';
import type { CallOptions } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { answerPreviews, type AnsweringDirectory } from '../../../test/answering-directory';
import { createIntake, type Intake } from '../../../test/create-intake';

jest.setTimeout(90_000);

const first = { key: 'first', title: 'First', approvers: [{ user: 'mona' }] };
const finance = {
  key: 'finance',
  title: 'Finance',
  when: 'payload.amount > 1000',
  approvers: [{ group: 'finance' }],
};
const order = (stages: object[], minimum = 0) => ({
  key: 'order',
  subject: { type: 'object', required: ['amount'], properties: { amount: { type: 'number', minimum } } },
  stages,
});

describe('replaying past requests', () => {
  let intake: Intake;
  let directory: AnsweringDirectory;
  let mona: DirectoryPerson;
  let small: string;
  let large: string;
  let rejected: string;
  const period = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' };

  const addVersion = async (definition: object): Promise<number> => {
    const { status, body } = await intake.call('POST', '/v1/workflows', definition);
    expect(status).toBe(201);
    return body.version;
  };
  const submit = async (amount: number, more: object = {}): Promise<string> => {
    const { status, body } = await intake.call('POST', '/v1/requests', {
      workflow: 'order',
      title: 'Chairs',
      requester: 'rita',
      payload: { amount },
      ...more,
    });
    expect(status).toBe(201);
    return body.id;
  };
  /** What routing says once somebody has decided in the first stage. */
  const decided = async (requestId: string, state: 'approved' | 'rejected') => {
    const before = await intake.snapshot(requestId);
    const { id, externalId, userName, displayName, email } = mona;
    const person = { id, externalId, userName, displayName, email };
    const at = new Date().toISOString();
    const task: TaskSnapshot = {
      id: v7(),
      requestId,
      stageKey: 'first',
      state,
      assignee: person,
      onBehalfOf: null,
      revision: 1,
      dueAt: null,
      decision: state === 'approved' ? 'approve' : 'reject',
      decidedBy: person,
      reasonCode: null,
      comment: null,
      decidedAt: at,
    };
    const stages = before.stages.map((stage) => ({ ...stage, state, tasks: [task] }));
    const request: RequestSnapshot = { ...before, version: 2, state: 'rejected', stages };
    await intake.tell('request.transitioned.v1', {
      request,
      events: [
        {
          id: v7(),
          type: 'task.decided',
          at,
          actor: { type: 'user', id, via: null },
          taskId: task.id,
          stageKey: 'first',
          data: {},
        },
      ],
      revisionPayload: null,
    });
  };
  const replay = (version: number, body: object = period, options: CallOptions = {}) =>
    intake.call('POST', `/v1/workflows/order/versions/${version}/replay`, body, options);

  beforeAll(async () => {
    intake = await createIntake();
    const people = [await intake.meet('rita'), await intake.meet('mona'), await intake.meet('fay')];
    mona = people[1] as DirectoryPerson;
    directory = answerPreviews(intake, people, { finance: ['fay'] });
    await addVersion(order([first]));
    await intake.call('POST', '/v1/workflows/order/versions/1/publish', {});
    small = await submit(800);
    large = await submit(1200);
    rejected = await submit(1500);
    await submit(5000, { draft: true });
    await decided(rejected, 'rejected');
  });
  afterAll(async () => {
    await directory?.stop();
    await intake?.stop();
  });
  beforeEach(() => {
    directory.asked.length = 0;
  });

  it('names the requests that a draft would treat differently, newest first, and how', async () => {
    const version = await addVersion(order([first, finance]));
    const { status, body } = await replay(version, period, { scopes: ['workflows:read'] });
    expect([status, body]).toEqual([
      200,
      {
        examined: 3,
        changed: [{ requestId: large, differences: ['Finance is asked: amount is 1200, above 1000.'] }],
      },
    ]);
    // First all that Mona is asked, then all that finance is: equal questions once.
    expect(directory.asked.map(({ questions }) => questions.length)).toEqual([1, 1]);
  });

  it('makes the decisions that were made', async () => {
    const version = await addVersion(
      order([{ ...first, reject: 'unreachable', approvers: [{ user: 'mona' }, { user: 'fay' }] }]),
    );
    const { body } = await replay(version);
    const also = [
      'First also asks fay (Named by user).',
      'First: 1 of 2 approvers must approve. It was: 1 of 1 approver must approve.',
    ];
    expect(body).toEqual({
      examined: 3,
      changed: [
        { requestId: rejected, differences: [...also, 'The outcome would be approved, was rejected.'] },
        { requestId: large, differences: also },
        { requestId: small, differences: also },
      ],
    });
  });

  it('says which payloads the version would refuse', async () => {
    const version = await addVersion(order([first], 1000));
    expect((await replay(version)).body).toEqual({
      examined: 3,
      changed: [
        {
          requestId: small,
          differences: ['The payload would be refused (/payload/amount: Must be 1000 or more).'],
        },
      ],
    });
  });

  it('looks at the period alone, and finds nothing different in the version that they ran on', async () => {
    const all = await replay(1);
    expect(all.body).toEqual({ examined: 3, changed: [] });
    const [row] = await intake.sql<{ at: Date }>('SELECT created_at AS at FROM request WHERE id = $1', [
      large,
    ]);
    const at = row?.at.toISOString();
    expect((await replay(1, { from: at, to: period.to })).body.examined).toBe(2);
    expect((await replay(1, { from: period.from, to: at })).body.examined).toBe(1);
  });

  it('refuses what is not there, not allowed or no period', async () => {
    const outcome = async (...args: Parameters<typeof replay>) => {
      const { status, body } = await replay(...args);
      return [status, body.code, ...(body.errors ?? []).map(({ pointer }: { pointer: string }) => pointer)];
    };
    expect(await outcome(99)).toEqual([404, 'not_found']);
    expect(await outcome(1, period, { workspace: v7() })).toEqual([404, 'not_found']);
    expect(await outcome(1, period, { workflows: ['other'] })).toEqual([403, 'workflow_not_allowed']);
    expect(await outcome(1, period, { scopes: ['requests:read'] })).toEqual([403, 'insufficient_scope']);
    expect(await outcome(1, { from: '2026', more: 1 })).toEqual(
      expect.arrayContaining([400, 'validation_failed', '/from', '/to', '/more']),
    );
    expect(await outcome(1, { from: period.to, to: period.from })).toEqual([400, 'validation_failed', '/to']);
  });

  it('stops at the newest thousand and says so, asking in few messages', async () => {
    await intake.sql(
      `INSERT INTO request SELECT (r).* FROM (
         SELECT json_populate_record(r, json_build_object('id', gen_random_uuid())) AS r
           FROM request r CROSS JOIN generate_series(1, 1200) WHERE r.id = $1) AS copies`,
      [large],
    );
    await intake.sql(
      `INSERT INTO request_payload SELECT r.id, 1, workspace_id, 1, '{"amount": 1200}' FROM request r
        WHERE NOT EXISTS (SELECT FROM request_payload p WHERE p.request_id = r.id)`,
    );
    const version = await addVersion(order([first, finance]));
    const since = Date.now();
    const { body } = await replay(version);
    expect(Date.now() - since).toBeLessThan(30_000);
    expect([body.examined, body.truncated]).toEqual([1000, true]);
    expect(body.changed.length).toBeGreaterThan(990);
    expect(directory.asked.length).toBeLessThanOrEqual(4);
  });
});
