import type { JobData } from '@countersign/contracts';
import { until } from '@countersign/service-kit/test';
import { createIntake, type Intake } from './create-intake';

let intake: Intake;

beforeAll(async () => {
  intake = await createIntake();
});

afterAll(() => intake?.stop());

const yaml = { 'content-type': 'application/yaml' };
const flow = (key: string, stage = '', more = '') =>
  `key: ${key}\n${more}stages:\n  - key: one\n    approvers: [ { user: ann }, { group: finance } ]\n${stage}`;
const lint = (body: unknown, options: Parameters<Intake['call']>[3] = {}) =>
  intake.call('POST', '/v1/workflows/lint', body, {
    ...options,
    headers: { ...(typeof body === 'string' ? yaml : {}), ...options.headers },
  });

/** Answers the one question that is asked meanwhile, as the directory would. */
const answered = async (
  unknownUsers: string[],
  unknownGroups: string[],
  more: Partial<JobData<'directory.checked.v1'>> = {},
) => {
  const asked = await until(async () => {
    const [row] = await intake.sql<{ id: string }>(
      'SELECT id FROM approver_question WHERE answers IS NULL ORDER BY asked_at DESC LIMIT 1',
    );
    return row;
  });
  await intake.tell('directory.checked.v1', { questionId: asked.id, unknownUsers, unknownGroups, ...more });
};

const codes = (findings: { code: string; pointer: string }[]) =>
  findings.map(({ code, pointer }) => `${code} ${pointer}`);

describe('lint', () => {
  it('finds what is meant by nobody and whom the directory lacks, and keeps nothing', async () => {
    const [answer] = await Promise.all([
      lint(flow('checked', '    quorum: { each: [ { group: legal, approvals: 1 } ] }\n')),
      answered(['ann'], ['legal']),
    ]);
    expect(answer.status).toBe(200);
    expect(codes(answer.body.errors)).toEqual(
      expect.arrayContaining([
        'unknown-user /stages/0/approvers/0/user',
        'unknown-group /stages/0/quorum/each/0/group',
      ]),
    );
    expect(codes(answer.body.warnings)).toContain('no-timeout /stages');
    expect((await intake.get('/v1/workflows/checked')).status).toBe(404);
    expect(await intake.sql('SELECT 1 FROM approver_question')).toEqual([]);
  });

  it('asks for roles too, and finds who is too few, too many or not active today', async () => {
    const stage = '    quorum: { approvals: 5 }\n    notify: [ { role: staff }, { role: nobodys } ]\n';
    const [answer] = await Promise.all([
      lint(flow('counted', stage)),
      answered([], [], {
        inactiveUsers: ['ann'],
        groupSizes: [{ ref: 'finance', people: 2 }],
        roleSizes: [
          { ref: 'staff', people: 1_001 },
          { ref: 'nobodys', people: 0 },
        ],
      }),
    ]);
    expect(answer.body.errors).toEqual([]);
    expect(codes(answer.body.warnings)).toEqual(
      expect.arrayContaining([
        'inactive-user /stages/0/approvers/0/user',
        'empty-role /stages/0/notify/1/role',
        'too-many-people /stages/0/notify/0',
        'quorum-unreachable-today /stages/0/quorum/approvals',
      ]),
    );
    const asked = await intake.sql<{ data: JobData<'directory.check.v1'> }>(
      `SELECT envelope->'data' AS data FROM outbox_message WHERE envelope->>'type' = 'directory.check.v1'`,
    );
    expect(asked.map(({ data }) => data)).toContainEqual(
      expect.objectContaining({ users: ['ann'], groups: ['finance'], roles: ['staff', 'nobodys'] }),
    );
  });

  it('says what it can when the directory is away', async () => {
    const answer = await lint(flow('alone'));
    expect(answer.status).toBe(200);
    expect(answer.body.errors).toEqual([]);
    expect(codes(answer.body.warnings)).toEqual(['no-timeout /stages', 'directory-unavailable ']);
    await intake.sql('DELETE FROM approver_question');
  });

  it('has what makes it no definition, or keeps it from being published, as errors', async () => {
    const invalid = await lint('key: no key\nstages: []\n');
    expect(invalid.status).toBe(200);
    expect(codes(invalid.body.errors)).toEqual(
      expect.arrayContaining(['definition-invalid /key', 'definition-invalid /stages']),
    );
    expect(invalid.body.warnings).toEqual([]);
    expect((await lint({})).body.errors.length).toBeGreaterThan(0);
    expect((await lint('- [')).body.errors).toMatchObject([{ pointer: '', code: 'definition-invalid' }]);
    const [unguarded] = await Promise.all([
      lint(
        flow(
          'unguarded',
          '    when: payload.amount > 5\n',
          'subject: { type: object, properties: { amount: { type: number } } }\n',
        ),
      ),
      answered([], []),
    ]);
    expect(codes(unguarded.body.errors)).toEqual(['condition-invalid /stages/0/when']);
  });

  it('refuses what is no JSON at all, and workflows that the key may not use', async () => {
    const broken = await lint('{', { headers: { 'content-type': 'application/json' } });
    expect(broken.body).toMatchObject({ status: 400, code: 'malformed_json' });
    const limited = await lint(flow('foreign'), { workflows: ['mine'] });
    expect(limited.body).toMatchObject({ status: 403, code: 'workflow_not_allowed' });
    const unscoped = await lint(flow('foreign'), { scopes: ['workflows:write'] });
    expect(unscoped.body).toMatchObject({ status: 403, code: 'insufficient_scope' });
  });
});

describe('the difference between two versions', () => {
  const diff = (query: string, options = {}) => intake.get(`/v1/workflows/compared/diff${query}`, options);

  beforeAll(async () => {
    for (const stage of ['', '    quorum: all\n', '    quorum: any\n'])
      expect(
        (await intake.call('POST', '/v1/workflows', flow('compared', stage), { headers: yaml })).status,
      ).toBe(201);
  });

  it('is told in sentences, either way, and is nothing where both behave alike', async () => {
    const forth = await diff('?from=1&to=2');
    expect(forth.status).toBe(200);
    expect(forth.body).toEqual({
      key: 'compared',
      from: 1,
      to: 2,
      differences: [
        { pointer: '/stages/0/quorum', stage: 'one', message: expect.stringMatching(/^[A-Z].*\.$/) },
      ],
    });
    const back = await diff('?from=2&to=1');
    expect(back.body.differences).toHaveLength(1);
    expect(back.body.differences).not.toEqual(forth.body.differences);
    expect((await diff('?from=1&to=3')).body.differences).toEqual([]);
  });

  it.each(['', '?from=1', '?from=1&to=x', '?from=0&to=1', '?from=1&to=1.5', '?from=1&to=2&more=1'])(
    'is refused for the query "%s"',
    async (query) => {
      expect((await diff(query)).body).toMatchObject({ status: 400, code: 'validation_failed' });
    },
  );

  it('is 404 for what is not there, and 403 for a key of other workflows', async () => {
    expect((await diff('?from=1&to=99')).body).toMatchObject({ status: 404, code: 'not_found' });
    expect((await intake.get('/v1/workflows/nothing/diff?from=x')).status).toBe(404);
    const limited = await diff('?from=1&to=2', { workflows: ['mine'] });
    expect(limited.body).toMatchObject({ status: 403, code: 'workflow_not_allowed' });
  });
});
