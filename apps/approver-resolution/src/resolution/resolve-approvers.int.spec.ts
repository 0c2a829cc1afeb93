import type { JobData } from '@countersign/contracts';
import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const countersign = 'urn:countersign:scim:schemas:1.0:User';
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
      who: approvers.map(({ person: { displayName }, why }) => [displayName.split(' ')[0], ...why]),
      skipped,
      note,
      approvers,
    };
  };
  const manager = (levels: number, of = ids.Alice) => ({ manager: { of, levels } });
  const limit = (untilLimit: number, of = ids.Alice) => ({ manager: { of, untilLimit } });

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
    // Which state of the directory said so.
    expect(answer.approvers.map(({ version }) => version)).toEqual([2, 3, 1]);
  });

  it('says what has named a user whom the workflow does not name itself', async () => {
    const { who } = await resolve([
      { user: 'Boss@test', by: 'payload.ownerId' },
      { user: 'Carol@test', by: 'the expression “payload.reviewers”' },
      { user: 'Carol@test' },
    ]);
    expect(who).toEqual([
      ['Boss', 'Named by payload.ownerId'],
      ['Carol', 'Named by the expression “payload.reviewers”', 'Named in the workflow'],
    ]);
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
      ['Ceo', '3 levels above Alice Example'],
    ]);
    expect(answer.skipped).toEqual([{ ref: 'Gone@test', why: 'is not active' }]);
    expect((await resolve([manager(20)])).who).toHaveLength(2);
  });

  it('says that there is no manager', async () => {
    expect(await resolve([manager(2, ids.Ceo)])).toMatchObject({
      who: [],
      skipped: [{ ref: 'Ceo@test', why: 'has no manager in the directory' }],
      note: null,
    });
    const unknown = v7();
    expect(await resolve([manager(2, unknown), limit(5, unknown)])).toMatchObject({
      who: [],
      skipped: [{ ref: unknown, why: 'nobody in the directory has this id' }],
      note: null,
    });
  });

  it('climbs a circle of managers once', async () => {
    await person('Ring1', null);
    await person('Ring2', 'Ring1');
    await person('Ring3', 'Ring2');
    const turn = (boss: string | undefined) =>
      service.call('PUT', `/scim/v2/Users/${ids.Ring1}`, {
        userName: 'Ring1@test',
        displayName: 'Ring1 Example',
        [enterprise]: { manager: boss },
      });
    await turn(ids.Ring3);
    const names = async (source: Record<string, unknown>) =>
      (await resolve([source])).who.map(([name]) => name);
    expect(await names(manager(20, ids.Ring1))).toEqual(['Ring3', 'Ring2']);
    expect(await resolve([limit(5, ids.Ring1)])).toMatchObject({
      who: [],
      note: 'Nobody above Ring1 Example may approve 5.',
    });
    await turn(ids.Ring1);
    expect(await names(manager(20, ids.Ring1))).toEqual([]);
  });

  describe('up to an approval limit', () => {
    const limited = (approvalLimit: number, more: Record<string, unknown> = {}) => ({
      [countersign]: { approvalLimit },
      ...more,
    });
    const climber = async (name: string, boss: string | null, more: Record<string, unknown>) => {
      const id = await service.user(`${name}@climb.test`, {
        displayName: `${name} Example`,
        ...more,
        ...(boss ? { [enterprise]: { manager: ids[boss] } } : {}),
      });
      ids[name] = id;
    };
    beforeAll(async () => {
      await climber('Chief', null, limited(10_000));
      await climber('Head', 'Chief', limited(5_000));
      await climber('Absent', 'Head', limited(1_000_000, { active: false }));
      await climber('Lead', 'Absent', {});
      await climber('Team', 'Lead', limited(100.5));
      await climber('Bob', 'Team', {});
    });

    it('names everyone climbed, and the one whose limit covers the amount, if only just', async () => {
      // Absent, further up, is not even looked at.
      expect(await resolve([limit(100.5, ids.Bob)])).toMatchObject({
        who: [['Team', 'Line manager of Bob Example; approval limit 100.5 covers 100.5']],
        skipped: [],
      });
      const answer = await resolve([limit(5_000, ids.Bob)]);
      expect(answer.who).toEqual([
        ['Team', 'Line manager of Bob Example; approval limit 100.5 does not cover 5000'],
        ['Lead', '2 levels above Bob Example; has no approval limit'],
        ['Head', '4 levels above Bob Example; approval limit 5000 covers 5000'],
      ]);
      expect(answer).toMatchObject({
        skipped: [{ ref: 'Absent@climb.test', why: 'is not active' }],
        note: null,
      });
      expect((await resolve([limit(5_000.01, ids.Bob)])).who.map(([name]) => name)).toEqual([
        'Team',
        'Lead',
        'Head',
        'Chief',
      ]);
    });

    it('names nobody when nobody above may approve so much, and says so', async () => {
      expect(await resolve([{ user: 'Carol@test' }, limit(10_001, ids.Bob)])).toMatchObject({
        who: [['Carol', 'Named in the workflow']],
        note: 'Nobody above Bob Example may approve 10001.',
      });
      expect(await resolve([limit(5, ids.Chief)])).toMatchObject({
        who: [],
        skipped: [{ ref: 'Chief@climb.test', why: 'has no manager in the directory' }],
        note: 'Nobody above Chief Example may approve 5.',
      });
    });

    it('climbs past those who may not approve here', async () => {
      const answer = await resolve([limit(5_000, ids.Bob)], { exclude: [ids.Head ?? ''] });
      expect(answer.who.map(([name]) => name)).toEqual(['Team', 'Lead', 'Chief']);
      expect(answer.skipped).toContainEqual({
        ref: 'Head@climb.test',
        why: 'may not approve at this stage',
      });
    });

    it('gives each source of a pack as many levels as it asks', async () => {
      const answer = await resolve([manager(1, ids.Bob), limit(5_000, ids.Bob), manager(2, ids.Bob)]);
      expect(answer.approvers.map(({ person: { displayName }, sources }) => [displayName, sources])).toEqual([
        ['Team Example', [0, 1, 2]],
        ['Lead Example', [1, 2]],
        ['Head Example', [1]],
      ]);
    });

    it('climbs 50 levels and no more', async () => {
      const above = async (height: number) => {
        const [row] = await service.rows<{ id: string }>(
          `WITH RECURSIVE tower AS (
             SELECT 0 AS level, gen_random_uuid() AS id, NULL::uuid AS boss
             UNION ALL SELECT level + 1, gen_random_uuid(), id FROM tower WHERE level < $2
           ), built AS (
             INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, manager_id, approval_limit, resource)
             SELECT $1, id, 't' || $2::int || '-' || level, 't' || $2::int || '-' || level, 'Floor ' || level, true, boss,
                    CASE level WHEN 0 THEN 9 ELSE 1 END, '{}' FROM tower
           )
           SELECT id FROM tower WHERE level = $2`,
          [service.workspaceId, height],
        );
        return row?.id;
      };
      expect((await resolve([limit(9, await above(50))])).who).toHaveLength(50);
      expect((await resolve([limit(9, await above(51))])).who).toEqual([]);
    });
  });

  it('finds those who have a role, whatever its case, as it now is', async () => {
    await person('Gina', null, { roles: [{ value: 'General-Counsel', type: 'legal' }, 'signer'] });
    await person('Hugo', null, { roles: ['general-COUNSEL', 'General-Counsel'] });
    await person('Ida', null, { roles: ['general-counsel'], active: false });
    await service.user('elsewhere@test', { roles: ['general-counsel'] }, v7());
    const answer = await resolve([{ role: 'general-counsel' }, { role: 'chancellor' }, { role: 'SIGNER' }]);
    expect(answer.who).toEqual([
      ['Gina', 'Has the role general-counsel', 'Has the role SIGNER'],
      ['Hugo', 'Has the role general-counsel'],
    ]);
    expect(answer.approvers.map(({ sources }) => sources)).toEqual([[0, 2], [0]]);
    expect(answer.skipped).toEqual([
      { ref: 'Ida@test', why: 'is not active' },
      { ref: 'chancellor', why: 'nobody in the directory has this role' },
    ]);
    const put = (roles?: string[]) =>
      service.call('PUT', `/scim/v2/Users/${ids.Gina}`, {
        userName: 'Gina@test',
        ...(roles ? { roles } : {}),
      });
    const holders = async (role: string) => (await resolve([{ role }])).who.map(([name]) => name);
    await put(['Chancellor', 'signer']);
    expect(await holders('general-counsel')).toEqual(['Hugo']);
    expect([await holders('chancellor'), await holders('signer')]).toEqual([['Gina@test'], ['Gina@test']]);
    await put();
    expect([await holders('chancellor'), await holders('signer')]).toEqual([[], []]);
    await service.call('DELETE', `/scim/v2/Users/${ids.Hugo}`);
    expect(await service.rows('SELECT 1 FROM user_role WHERE user_id = $1', [ids.Hugo])).toEqual([]);
    expect(await holders('general-counsel')).toEqual([]);
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
      ['Boss', 'Line manager of Alice Example', 'Member of the group finance', 'Named in the workflow'],
      ['Carol', 'Member of the group finance'],
    ]);
    expect(answer.approvers.map(({ sources }) => sources)).toEqual([[0], [1, 2, 3], [2]]);
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
      { state: 'settled', result: { approvers: [{ why: ['Named in the workflow'], sources: [0] }] } },
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

  it('gives the first 5,000 approvers when a group has more, and names 100 of those left out', async () => {
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
    const answer = await resolve([{ group: 'crowd' }, { group: 'finance' }]);
    expect(answer.who).toHaveLength(5_000);
    expect(answer.skipped).toHaveLength(100);
  }, 30_000);
});
