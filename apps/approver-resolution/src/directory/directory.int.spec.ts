import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';
import { delegationsAt } from '../delegations/delegation.rows';
import { Climbs } from '../resolution/managers';
import { search } from '../scim/search';
import { countGroupPeople, countRolePeople } from './count-people';
import { matchGroups } from './match-groups';
import { matchUsers } from './match-users';
import { directoryPeople } from './user.rows';

describe('the directory, asked by other services', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  const answerTo = (questionId: string) =>
    service.eventually(async () =>
      (await service.sent('directory.found.v1')).find(({ data }) => data.questionId === questionId),
    );

  const checkedAs = (questionId: string) =>
    service.eventually(async () =>
      (await service.sent('directory.checked.v1')).find(({ data }) => data.questionId === questionId),
    );

  /** The pages that the statements of a piece of work read. */
  const pagesOf = async (workspaceId: string, work: (sql: Sql) => Promise<unknown>): Promise<number> => {
    const asked: [string, unknown[]][] = [];
    const query = async (text: string, values: readonly unknown[] = []) => {
      asked.push([text, [...values]]);
      return service.rows(text, [...values]);
    };
    await work({ query } as Sql);
    let pages = 0;
    for (const [text, values] of asked) pages += await service.pagesRead(text, values, workspaceId);
    return pages;
  };

  it('answers the asker alone, with everybody that a ref may mean', async () => {
    const ann = await service.user('ann@find.test', { externalId: 'ext-ann', displayName: 'Ann' });
    const double = await service.user('ext-ann', { active: false });
    const ben = await service.user('ben@find.test');
    await service.group('finders', [ben]);
    const other = v7();
    await service.user('ann@find.test', { displayName: 'Another Ann' }, other);
    const [q1, q2, q3] = [v7(), v7(), v7()];
    await service.send(
      'approver-resolution',
      service.envelope('directory.find.v1', {
        questionId: q1,
        asker: 'intake',
        refs: ['ext-ann', 'BEN@find.test'],
      }),
      service.envelope('directory.find.v1', {
        questionId: q2,
        asker: 'audit',
        refs: [ann.toUpperCase(), 'no\0body', ''],
      }),
      service.envelope(
        'directory.find.v1',
        { questionId: q3, asker: 'intake', refs: ['ann@find.test'] },
        other,
      ),
    );
    const first = await answerTo(q1);
    expect(first.queues).toEqual(['intake']);
    expect(first.data.people.map(({ id }) => id).sort()).toEqual([ann, double, ben].sort());
    expect(first.data.people.find(({ id }) => id === ben)).toMatchObject({
      groups: ['finders'],
      active: true,
      version: 2,
    });
    expect(first.data.people.find(({ id }) => id === double)).toMatchObject({ active: false });
    const second = await answerTo(q2);
    expect(second.queues).toEqual(['audit']);
    expect(second.data.people.map(({ id }) => id)).toEqual([ann]);
    const third = await answerTo(q3);
    expect(third.workspaceId).toBe(other);
    expect(third.data.people).toMatchObject([{ displayName: 'Another Ann' }]);
  });

  it('says which refs name nobody and nothing, or more than one, in one answer', async () => {
    const one = await service.user('one@check.test', { externalId: 'check-1' });
    await service.user('check-2', { active: false });
    await service.user('two@check.test', { externalId: 'check-2' });
    const group = await service.group('checkers', [one]);
    await service.group('empty checkers', []);
    const question = {
      asker: 'intake',
      users: ['ONE@check.test', 'check-1', one, 'check-2', 'nobody', '', group],
      groups: ['checkers', group, 'empty checkers', 'Checkers', one],
    };
    const [here, elsewhere] = [v7(), v7()];
    await service.send(
      'approver-resolution',
      service.envelope('directory.check.v1', { questionId: here, ...question }),
      service.envelope('directory.check.v1', { questionId: elsewhere, ...question }, v7()),
    );
    const answer = await checkedAs(here);
    expect(answer.queues).toEqual(['intake']);
    expect(answer.data).toEqual({
      questionId: here,
      unknownUsers: ['check-2', 'nobody', '', group],
      unknownGroups: ['Checkers', one],
      inactiveUsers: [],
      groupSizes: [
        { ref: 'checkers', people: 1 },
        { ref: group, people: 1 },
        { ref: 'empty checkers', people: 0 },
      ],
      roleSizes: [],
    });
    expect((await checkedAs(elsewhere)).data).toEqual({
      questionId: elsewhere,
      unknownUsers: question.users,
      unknownGroups: question.groups,
      inactiveUsers: [],
      groupSizes: [],
      roleSizes: [],
    });
  });

  it('says who is not active, and how many active people groups and roles have', async () => {
    const roles = [{ value: 'Counter' }, { value: 'other' }];
    const [ada, bea] = [
      await service.user('ada@count.test', { roles, externalId: 'count-ada' }),
      await service.user('bea@count.test', { roles: [{ value: 'COUNTER' }] }),
    ];
    const gone = await service.user('gone@count.test', { roles, active: false });
    const inner = await service.group('inner count', [ada, gone]);
    const outer = await service.group('outer count', [ada, bea, gone, inner]);
    // Groups may be in each other.
    await service.call('PATCH', `/scim/v2/Groups/${inner}`, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'add', path: 'members', value: [{ value: outer, type: 'Group' }] }],
    });
    await service.group('only gone count', [gone]);
    const questionId = v7();
    await service.send(
      'approver-resolution',
      service.envelope('directory.check.v1', {
        questionId,
        asker: 'intake',
        users: ['ada@count.test', 'GONE@count.test', gone, 'nobody@count.test'],
        groups: ['inner count', outer, 'only gone count', 'no such count'],
        roles: ['counter', 'Other', 'nobody has it', ''],
      }),
    );
    expect((await checkedAs(questionId)).data).toEqual({
      questionId,
      unknownUsers: ['nobody@count.test'],
      unknownGroups: ['no such count'],
      inactiveUsers: ['GONE@count.test', gone],
      groupSizes: [
        { ref: 'inner count', people: 2 },
        { ref: outer, people: 2 },
        { ref: 'only gone count', people: 0 },
      ],
      roleSizes: [
        { ref: 'counter', people: 2 },
        { ref: 'Other', people: 1 },
        { ref: 'nobody has it', people: 0 },
        { ref: '', people: 0 },
      ],
    });
  });

  it('counts the first 200 groups and roles of a question, and in each no further than 1,001 people', async () => {
    const workspaceId = v7();
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'p' || n, 'p' || n, 'P', true, '{}' FROM generate_series(1, 10000) n`,
      [workspaceId],
    );
    await service.rows(
      `WITH everybody AS (
         INSERT INTO group_ (workspace_id, id, display_name) VALUES ($1, $2, 'everybody') RETURNING id
       ), members AS (
         INSERT INTO membership (workspace_id, group_id, user_id)
         SELECT $1, everybody.id, u.id FROM everybody, user_ u WHERE u.workspace_id = $1
       )
       INSERT INTO user_role (workspace_id, role_key, user_id) SELECT $1, 'staff', id FROM user_ WHERE workspace_id = $1`,
      [workspaceId, v7()],
    );
    await service.rows('ANALYZE');
    const questionId = v7();
    const more = Array.from({ length: 200 }, (_, n) => `more ${n}`);
    await service.send(
      'approver-resolution',
      service.envelope(
        'directory.check.v1',
        {
          questionId,
          asker: 'intake',
          users: [],
          groups: ['everybody', ...more.slice(1), 'everybody'],
          roles: ['staff', ...more],
        },
        workspaceId,
      ),
    );
    const { data } = await checkedAs(questionId);
    expect(data.groupSizes).toEqual([{ ref: 'everybody', people: 1_001 }]);
    expect(data.roleSizes).toHaveLength(200);
    expect(data.roleSizes?.[0]).toEqual({ ref: 'staff', people: 1_001 });

    const pages = (count: (sql: Sql) => Promise<unknown>) => pagesOf(workspaceId, count);
    const [group] = await service.rows<{ id: string }>(`SELECT id FROM group_ WHERE workspace_id = $1`, [
      workspaceId,
    ]);
    // About four of the index and the table for each person: those of 10,000 would be 40,000.
    expect(await pages((sql) => countGroupPeople(sql, [group?.id ?? '']))).toBeLessThan(6_000);
    expect(await pages((sql) => countRolePeople(sql, [{ workspaceId, ref: 'staff' }]))).toBeLessThan(6_000);
  });

  it('names the group that a ref means alone: by id, externalId or displayName', async () => {
    const workspace = v7();
    const one = await service.group('Only one', [], workspace);
    const [twin] = [await service.group('Twins', [], workspace), await service.group('Twins', [], workspace)];
    await service.rows('UPDATE group_ SET external_id = $2 WHERE id = $1', [twin, `ext-${twin}`]);
    const questionId = v7();
    const groups = [one, 'Only one', `ext-${twin}`, 'Twins', 'nobody', ''];
    await service.send(
      'approver-resolution',
      service.envelope(
        'directory.find.v1',
        { questionId, asker: 'notification', refs: [], groups },
        workspace,
      ),
    );
    expect((await answerTo(questionId)).data).toEqual({
      questionId,
      people: [],
      groups: [
        { ref: one, id: one, displayName: 'Only one' },
        { ref: 'Only one', id: one, displayName: 'Only one' },
        { ref: `ext-${twin}`, id: twin, displayName: 'Twins' },
      ],
    });
  });

  it('says so when there is nobody', async () => {
    const questionId = v7();
    await service.send(
      'approver-resolution',
      service.envelope('directory.find.v1', { questionId, asker: 'notification', refs: ['nobody'] }),
    );
    expect((await answerTo(questionId)).data.people).toEqual([]);
  });

  it('does not answer a service that keeps no copy', async () => {
    const envelope = service.envelope('directory.find.v1', {
      questionId: v7(),
      asker: 'gateway',
      refs: ['x'],
    });
    await service.send('approver-resolution', envelope);
    const letter = await service.eventually(
      async () =>
        (
          await service.rows<{ error: string }>('SELECT error FROM dead_letter WHERE message_id = $1', [
            envelope.id,
          ])
        )[0],
    );
    expect(letter.error).toContain('gateway keeps no copy');
  });

  it('finds who has a role, or which group is meant, without reading those of other workspaces', async () => {
    const others = '(SELECT gen_random_uuid() AS workspace_id FROM generate_series(1, 100))';
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT workspace_id, gen_random_uuid(), 'u' || n, 'u' || n, 'U', true, '{}' FROM ${others} w, generate_series(1, 100) n`,
    );
    await service.rows(
      `INSERT INTO user_role (workspace_id, role_key, user_id) SELECT workspace_id, 'signer', id FROM user_`,
    );
    await service.rows(
      `INSERT INTO group_ (workspace_id, id, display_name)
       SELECT workspace_id, gen_random_uuid(), 'Everybody' FROM user_ GROUP BY workspace_id, user_name_key LIMIT 10000`,
    );
    await service.rows('ANALYZE');
    expect(await service.pagesRead(`SELECT 1 FROM user_role WHERE role_key = 'signer'`)).toBeLessThan(50);
    expect(await service.pagesRead(`SELECT 1 FROM group_ WHERE display_name = 'Everybody'`)).toBeLessThan(50);
  });

  describe('of 20,000 people, of whom nothing is counted yet, as after a first load', () => {
    const workspaceId = v7();
    const idOf = (n: number) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
    const people = (count: number) => Array.from({ length: count }, (_, n) => idOf(n * 13 + 1));
    const idText = (n: string) => `('00000000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
    const find = (name: string) => (sql: Sql) => matchGroups(sql, [{ workspaceId, ref: name }]);

    beforeAll(async () => {
      await service.rows(
        `INSERT INTO user_ (workspace_id, id, external_id, user_name, user_name_key, display_name, active, resource)
         SELECT $1, ${idText('n')}, 'ext-' || n, 'person-' || n, 'person-' || n, 'P', true,
                json_build_object('emails', json_build_array(json_build_object('value', 'Person-' || n || '@Example.com', 'type', 'work')))
           FROM generate_series(1, 20000) n`,
        [workspaceId],
      );
      await service.rows(
        `INSERT INTO group_ (workspace_id, id, external_id, display_name)
         SELECT $1, ${idText('n')}, 'group-' || n, 'Group ' || n FROM generate_series(1, 20000) n`,
        [workspaceId],
      );
      await service.rows(
        `UPDATE user_ SET manager_id = ${idText('n - 1')} FROM generate_series(900, 1000) n WHERE id = ${idText('n')}`,
      );
      // Ten in each of the first 3,000, ten of those in each of the next 300, ten of which are in group 3301; 10,000 in 4000.
      await service.rows(
        `INSERT INTO membership (workspace_id, group_id, user_id)
         SELECT $1::uuid, ${idText('g')}, ${idText('g * 6 + m')} FROM generate_series(1, 3000) g, generate_series(1, 10) m
          UNION ALL SELECT $1::uuid, ${idText('4000')}, ${idText('n')} FROM generate_series(1, 10000) n`,
        [workspaceId],
      );
      await service.rows(
        `INSERT INTO group_nesting (workspace_id, group_id, member_id)
         SELECT $1::uuid, ${idText('3000 + g')}, ${idText('g * 10 - m')} FROM generate_series(1, 300) g, generate_series(0, 9) m
          UNION ALL SELECT $1::uuid, ${idText('3301')}, ${idText('3000 + n')} FROM generate_series(1, 10) n`,
        [workspaceId],
      );
    });

    describe.each(['before', 'after'])('%s ANALYZE', (when) => {
      beforeAll(async () => {
        if (when === 'after') await service.rows('ANALYZE');
      });

      it.each([
        ['User', 'userName eq "PERSON-4711"', 1],
        ['User', 'externalId eq "ext-4711"', 1],
        ['User', 'emails eq "person-4711@example.com"', 1],
        ['User', 'emails.value eq "PERSON-4711@example.com"', 1],
        ['User', 'emails[type eq "work"].value eq "person-4711@example.com"', 1],
        ['User', 'emails[type eq "work" and value eq "person-4711@example.com"]', 1],
        ['User', 'emails[type eq "home" and value eq "person-4711@example.com"]', 0],
        ['User', 'userName eq "nobody" or emails eq "person-4711@example.com"', 1],
        ['User', `groups.value eq "${idOf(77)}"`, 10],
        ['User', `groups[value eq "${idOf(3_001)}"]`, 64],
        ['Group', 'displayName eq "GROUP 4711"', 1],
        ['Group', 'externalId eq "group-4711"', 1],
        ['Group', `members.value eq "${idOf(15_000)}"`, 1],
        ['Group', `members[value eq "${idOf(15_000)}"]`, 1],
        ['Group', `members eq "${idOf(77)}"`, 3],
      ] as const)(
        'finds what providers look up without reading the workspace: %s %s',
        async (type, filter, count) => {
          const find = search(type, workspaceId, { filter, sorting: null, startIndex: 1, count: 10 });
          // Most are the catalogue, which a new plan reads; reading all is more than 5,000 at least.
          expect(await pagesOf(workspaceId, find)).toBeLessThan(2_000);
          const list = await service.call<{ totalResults: number }>(
            'GET',
            `/scim/v2/${type}s?count=0&filter=${encodeURIComponent(filter)}`,
            undefined,
            {},
            workspaceId,
          );
          expect(list.body.totalResults).toBe(count);
        },
      );

      // About three of the index and the table for each member, and four for each group.
      it.each([
        ['Group 77', 10, 100],
        ['Group 3001', 64, 500],
        ['Group 3301', 604, 6_000],
        ['Group 4000', 10_000, 40_000],
      ])('reads of the members of %s no more than these', async (name, count, pages) => {
        const [group] = (
          await find(name)({ query: (text, values) => service.rows(text, [...(values ?? [])]) } as Sql)
        ).values();
        expect(group?.[0]?.members).toHaveLength(count);
        expect(await pagesOf(workspaceId, find(name))).toBeLessThan(pages);
      });

      it('reads of people, and of the groups around them, no more than these', async () => {
        expect(await pagesOf(workspaceId, (sql) => directoryPeople(sql, people(1)))).toBeLessThan(100);
        expect(await pagesOf(workspaceId, (sql) => directoryPeople(sql, people(1_000)))).toBeLessThan(40_000);
      });

      it('reads of a line of managers, of refs and of roles no more than these', async () => {
        const refs = people(100).map((ref) => ({ workspaceId, ref }));
        expect(await pagesOf(workspaceId, (sql) => matchUsers(sql, refs))).toBeLessThan(1_000);
        expect(await pagesOf(workspaceId, (sql) => delegationsAt(sql, people(100), new Date()))).toBeLessThan(
          500,
        );
        const climbs = new Climbs();
        climbs.plan({ workspaceId, userId: idOf(1_000), levels: 50 });
        expect(await pagesOf(workspaceId, (sql) => climbs.make(sql))).toBeLessThan(500);
      });
    });
  });
});
