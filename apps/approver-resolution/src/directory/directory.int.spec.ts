import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';
import { search } from '../scim/search';
import { countGroupPeople, countRolePeople } from './count-people';

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

  /** The pages that the one statement of a piece of work reads. */
  const pagesOf = async (workspaceId: string, work: (sql: Sql) => Promise<unknown>): Promise<number> => {
    const asked: [string, unknown[]][] = [];
    const query = async (text: string, values: readonly unknown[] = []) => {
      asked.push([text, [...values]]);
      return [];
    };
    await work({ query } as Sql);
    const [text, values] = asked[0] ?? ['', []];
    return service.pagesRead(text, values, workspaceId);
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

  it.each([
    ['User', 'userName eq "PERSON-4711"'],
    ['User', 'externalId eq "ext-4711"'],
    ['Group', 'displayName eq "GROUP 4711"'],
    ['Group', 'externalId eq "group-4711"'],
  ] as const)('finds what providers look up without reading the workspace: %s %s', async (type, filter) => {
    const workspaceId = v7();
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, external_id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'ext-' || n, 'person-' || n, 'person-' || n, 'P', true, '{}' FROM generate_series(1, 20000) n`,
      [workspaceId],
    );
    await service.rows(
      `INSERT INTO group_ (workspace_id, id, external_id, display_name)
       SELECT $1, gen_random_uuid(), 'group-' || n, 'Group ' || n FROM generate_series(1, 20000) n`,
      [workspaceId],
    );
    await service.rows('ANALYZE');
    const find = search(type, workspaceId, { filter, sorting: null, startIndex: 1, count: 10 });
    // Most are the catalogue, which a new plan reads; reading all is 20,000.
    expect(await pagesOf(workspaceId, find)).toBeLessThan(1_000);
    const list = await service.call<{ totalResults: number }>(
      'GET',
      `/scim/v2/${type}s?filter=${encodeURIComponent(filter)}`,
      undefined,
      {},
      workspaceId,
    );
    expect(list.body.totalResults).toBe(1);
  });
});
