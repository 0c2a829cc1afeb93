import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
type Question = JobData<'approvers.resolve.v1'>;

describe('resolving approvers', () => {
  let service: TestService;
  const ids: Record<string, string> = {};
  const person = async (name: string, manager: string | null, more: Record<string, unknown> = {}) => {
    ids[name] = await service.user(`${name}@test`, {
      displayName: `${name} Example`,
      ...(manager ? { [enterprise]: { manager: ids[manager] } } : {}),
      ...more,
    });
  };
  beforeAll(async () => {
    service = await TestService.start();
    await person('Ceo', null);
    await person('Gone', 'Ceo', { active: false });
    await person('Boss', 'Gone');
    await person('Alice', 'Boss', { externalId: 'ext-alice' });
    await person('Carol', 'Ceo', { externalId: 'ext-carol' });
    await service.group('finance', [ids.Carol ?? '', ids.Boss ?? '', ids.Gone ?? '']);
    await service.group('empty', []);
    await service.group('twice', []);
    await service.group('twice', [ids.Carol ?? '']);
  });
  afterAll(() => service.stop());

  const question = (sources: Record<string, unknown>[], more: Partial<Question> = {}): Question => ({
    resolutionId: v7(),
    requestId: v7(),
    stageKey: 'stage',
    stageIndex: 0,
    totalStages: 1,
    sources,
    exclude: [],
    title: 'Title',
    reason: null,
    requester: {
      id: ids.Alice ?? '',
      externalId: 'ext-alice',
      userName: 'Alice@test',
      displayName: 'Alice Example',
      email: null,
      department: null,
      region: null,
      approvalLimit: null,
      groups: [],
      manager: null,
    },
    payload: null,
    ...more,
  });
  const resolve = async (sources: Record<string, unknown>[], more: Partial<Question> = {}) => {
    const asked = question(sources, more);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', asked));
    const { approvers, skipped, note } = await service.resolved(asked.resolutionId);
    return {
      who: approvers.map(({ person: { displayName }, why }) => [displayName.split(' ')[0], why]),
      skipped,
      note,
      approvers,
    };
  };
  const manager = (levels: number) => ({ manager: { of: 'requester', levels } });

  it('finds users by id, externalId and userName', async () => {
    const answer = await resolve([{ user: ids.Boss }, { user: 'ext-carol' }, { user: 'CEO@TEST' }]);
    expect(answer.who).toEqual([
      ['Boss', 'Named in the workflow'],
      ['Carol', 'Named in the workflow'],
      ['Ceo', 'Named in the workflow'],
    ]);
    expect(answer.approvers[1]?.person).toEqual({
      id: ids.Carol,
      externalId: 'ext-carol',
      userName: 'Carol@test',
      displayName: 'Carol Example',
      email: null,
    });
    expect([answer.skipped, answer.note]).toEqual([[], null]);
  });

  it('leaves out who is unknown, ambiguous, inactive or excluded, and says why', async () => {
    await service.user('ext-carol@twice.test', { externalId: 'double' });
    await service.user('double');
    const answer = await resolve(
      [
        { user: 'ghost@test' },
        { user: 'double' },
        { user: 'Gone@test' },
        { user: ids.Alice },
        { user: 'no\0body' },
        { user: 'Boss@test' },
      ],
      { exclude: [ids.Alice ?? '', ids.Boss ?? ''] },
    );
    expect(answer.who).toEqual([]);
    expect(answer.skipped).toEqual([
      { ref: 'ghost@test', why: 'nobody in the directory has this id, externalId or userName' },
      { ref: 'double', why: 'more than one person in the directory is called this' },
      { ref: 'Gone@test', why: 'is not active' },
      { ref: ids.Alice, why: 'may not approve their own request' },
      { ref: 'no\uFFFDbody', why: 'nobody in the directory has this id, externalId or userName' },
      { ref: 'Boss@test', why: 'may not approve at this stage' },
    ]);
  });

  it('finds the active members of groups', async () => {
    const answer = await resolve([
      { group: 'finance' },
      { group: 'empty' },
      { group: 'none' },
      { group: 'twice' },
    ]);
    expect(answer.who.sort()).toEqual([
      ['Boss', 'Member of the group finance'],
      ['Carol', 'Member of the group finance'],
    ]);
    expect(answer.skipped).toEqual([
      { ref: 'Gone@test', why: 'is not active' },
      { ref: 'empty', why: 'the group has no members' },
      { ref: 'none', why: 'no group in the directory has this id, externalId or displayName' },
      { ref: 'twice', why: 'more than one group in the directory is called this' },
    ]);
  });

  it('finds managers up to the level, past those who are gone', async () => {
    expect((await resolve([manager(1)])).who).toEqual([['Boss', 'Line manager of Alice Example']]);
    const answer = await resolve([manager(3)]);
    expect(answer.who).toEqual([
      ['Boss', 'Line manager of Alice Example'],
      ['Ceo', 'Manager of Alice Example, 3 levels up'],
    ]);
    expect(answer.skipped).toEqual([{ ref: 'Gone@test', why: 'is not active' }]);
    expect((await resolve([manager(20)])).who).toHaveLength(2);
  });

  it('says that there is no manager', async () => {
    const requester = {
      ...question([]).requester,
      id: ids.Ceo ?? '',
      userName: 'Ceo@test',
      displayName: 'Ceo Example',
    };
    expect(await resolve([manager(2)], { requester })).toMatchObject({
      who: [],
      skipped: [{ ref: 'Ceo@test', why: 'has no manager in the directory' }],
    });
    expect(await resolve([manager(2)], { requester: { ...requester, id: v7() } })).toMatchObject({ who: [] });
  });

  it('climbs a circle of managers once', async () => {
    await person('Ring1', null);
    await person('Ring2', 'Ring1');
    await person('Ring3', 'Ring2');
    await service.call('PUT', `/scim/v2/Users/${ids.Ring1}`, {
      userName: 'Ring1@test',
      displayName: 'Ring1 Example',
      [enterprise]: { manager: ids.Ring3 },
    });
    const requester = { ...question([]).requester, id: ids.Ring1 ?? '' };
    expect((await resolve([manager(20)], { requester })).who.map(([name]) => name)).toEqual([
      'Ring3',
      'Ring2',
    ]);
    await service.call('PUT', `/scim/v2/Users/${ids.Ring1}`, {
      userName: 'Ring1@test',
      [enterprise]: { manager: ids.Ring1 },
    });
    expect((await resolve([manager(20)], { requester })).who).toEqual([]);
  });

  it('joins sources in their order, each person once with every reason', async () => {
    const answer = await resolve([
      { user: 'Ceo@test' },
      manager(1),
      { group: 'finance' },
      { user: 'boss@test' },
    ]);
    expect(answer.who).toEqual([
      ['Ceo', 'Named in the workflow'],
      ['Boss', 'Line manager of Alice Example; Member of the group finance; Named in the workflow'],
      ['Carol', 'Member of the group finance'],
    ]);
  });

  it('resolves a whole pack, of several workspaces, each in its own', async () => {
    const other = v7();
    const foreign = await service.user('boss@test', { displayName: 'Foreign Boss' }, other);
    const pack = Array.from({ length: 60 }, (_, n) =>
      question([{ user: 'boss@test' }, { group: 'finance' }, manager(1 + (n % 3))]),
    );
    const there = question([{ user: 'boss@test' }, { group: 'finance' }, { user: ids.Boss }]);
    await service.send(
      'approver-resolution',
      ...pack.map((data) => service.envelope('approvers.resolve.v1', data)),
      service.envelope('approvers.resolve.v1', there, other),
    );
    const answer = await service.resolved(there.resolutionId);
    expect(answer.approvers.map(({ person: { id } }) => id)).toEqual([foreign]);
    expect(answer.skipped.map(({ ref }) => ref)).toEqual(['finance', ids.Boss]);
    for (const [n, { resolutionId }] of pack.entries()) {
      const { approvers } = await service.resolved(resolutionId);
      expect(approvers.map(({ person: { id } }) => id).sort()).toEqual(
        [ids.Boss, ids.Carol, ...(n % 3 === 2 ? [ids.Ceo] : [])].sort(),
      );
    }
    expect(await service.rows('SELECT 1 FROM dead_letter')).toEqual([]);
  });

  it('makes one resolution of a question that is asked twice', async () => {
    const asked = question([{ user: 'boss@test' }]);
    const twice = [
      service.envelope('approvers.resolve.v1', asked),
      service.envelope('approvers.resolve.v1', asked),
    ];
    await service.send('approver-resolution', ...twice);
    await service.resolved(asked.resolutionId);
    await service.send(
      'approver-resolution',
      service.envelope('approvers.resolve.v1', asked),
      twice[0] ?? (asked as never),
    );
    const last = question([]);
    await service.send('approver-resolution', service.envelope('approvers.resolve.v1', last));
    await service.resolved(last.resolutionId);
    await service.eventually(
      async () =>
        (await service.rows('SELECT 1 FROM inbox WHERE message_id = $1', [twice[1]?.id])).length === 1,
    );
    const answers = (await service.sent('approvers.resolved.v1')).filter(
      ({ data }) => data.resolutionId === asked.resolutionId,
    );
    expect(answers).toHaveLength(1);
    const rows = await service.rows<{ state: string; result: { approvers: unknown[] } }>(
      'SELECT state, result FROM resolution WHERE id = $1',
      [asked.resolutionId],
    );
    expect(rows).toMatchObject([
      { state: 'settled', result: { approvers: [{ why: 'Named in the workflow' }] } },
    ]);
  });

  it('refuses a kind of source that it does not know, and nothing else of the pack', async () => {
    const strange = service.envelope('approvers.resolve.v1', question([{ oracle: 'delphi' }]));
    const plain = question([{ user: 'boss@test' }]);
    await service.send('approver-resolution', strange, service.envelope('approvers.resolve.v1', plain));
    expect((await service.resolved(plain.resolutionId)).approvers).toHaveLength(1);
    const letter = await service.eventually(
      async () =>
        (
          await service.rows<{ error: string }>('SELECT error FROM dead_letter WHERE message_id = $1', [
            strange.id,
          ])
        )[0],
    );
    expect(letter.error).toContain('oracle');
    await service.rows('DELETE FROM dead_letter');
  });

  it('gives 10,000 approvers when a group has so many, and names 100 of those left out', async () => {
    await service.rows(
      `WITH crowd AS (
         INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
         SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, n > 200, '{}' FROM generate_series(1, 10200) n RETURNING id
       ), g AS (
         INSERT INTO group_ (workspace_id, id, display_name) VALUES ($1, $2, 'crowd') RETURNING id
       )
       SELECT (SELECT count(*) FROM crowd), (SELECT count(*) FROM g)`,
      [service.workspaceId, v7()],
    );
    await service.rows(
      `INSERT INTO membership SELECT u.workspace_id, g.id, u.id FROM user_ u JOIN group_ g ON g.display_name = 'crowd' AND g.workspace_id = u.workspace_id
        WHERE u.user_name ~ '^m[0-9]+$'`,
    );
    const start = Date.now();
    const answer = await resolve([{ group: 'crowd' }, { group: 'finance' }]);
    expect(Date.now() - start).toBeLessThan(8_000);
    expect(answer.who).toHaveLength(10_002);
    expect(answer.skipped).toHaveLength(100);
  }, 30_000);
});
