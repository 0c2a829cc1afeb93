import { v7 } from 'uuid';
import { TestService } from '../../test/test-service';

interface Group {
  id: string;
  displayName: string;
  members?: { value: string; display: string; type: string; $ref: string }[];
  meta: { version: string; location: string };
}
interface List {
  totalResults: number;
  itemsPerPage: number;
  Resources: Group[];
}
interface ScimError {
  status: string;
  scimType?: string;
  detail: string;
}

describe('SCIM groups', () => {
  let service: TestService;
  let [ann, ben, cat] = ['', '', ''];
  beforeAll(async () => {
    service = await TestService.start();
    ann = await service.user('ann@test', { displayName: 'Ann', externalId: 'ext-ann' });
    ben = await service.user('ben@test', { displayName: 'Ben' });
    cat = await service.user('cat@test', { displayName: 'Cat' });
  });
  afterAll(() => service.stop());

  const lastChange = async () => (await service.sent('directory.changed.v1')).at(-1)?.data.people ?? [];

  it('creates a group with members by id, externalId and userName, and shows it again', async () => {
    const created = await service.call<Group>('POST', '/scim/v2/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      externalId: 'g-1',
      displayName: 'finance',
      members: [{ value: ann }, { value: 'EXT-ANN'.toLowerCase() }, { value: 'BEN@test' }, 'ben@test'],
    });
    expect(created.status).toBe(201);
    const { id } = created.body;
    const at = 'https://countersign.example.com/scim/v2';
    expect(created.headers.get('location')).toBe(`${at}/Groups/${id}`);
    expect(created.headers.get('etag')).toBe('W/"1"');
    expect(created.body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      id,
      externalId: 'g-1',
      displayName: 'finance',
      members: [
        { value: ann, display: 'Ann', type: 'User', $ref: `${at}/Users/${ann}` },
        { value: ben, display: 'Ben', type: 'User', $ref: `${at}/Users/${ben}` },
      ],
    });
    expect((await service.call<Group>('GET', `/scim/v2/Groups/${id}`)).body).toEqual(created.body);
    expect(await lastChange()).toMatchObject([
      { id: ann, groups: ['finance'], version: 2 },
      { id: ben, groups: ['finance'], version: 2 },
    ]);
    const user = await service.call('GET', `/scim/v2/Users/${ann}`);
    expect(user.body).toMatchObject({
      groups: [{ value: id, display: 'finance', $ref: `${at}/Groups/${id}` }],
    });
  });

  it('tells of exactly those whose groups have changed', async () => {
    const id = await service.group('before', [ann, ben]);
    const replaced = await service.call<Group>('PUT', `/scim/v2/Groups/${id}`, {
      displayName: 'before',
      members: [{ value: ben }, { value: cat }],
    });
    expect(replaced.body.members?.map(({ value }) => value)).toEqual([ben, cat].sort());
    expect((await lastChange()).map((person) => person.id).sort()).toEqual([ann, cat].sort());
    await service.call('PUT', `/scim/v2/Groups/${id}`, {
      displayName: 'after',
      members: [{ value: ben }, { value: cat }],
    });
    const renamed = await lastChange();
    expect(renamed.map((person) => person.id).sort()).toEqual([ben, cat].sort());
    expect(renamed.every(({ groups }) => groups.includes('after') && !groups.includes('before'))).toBe(true);
    expect((await service.call('DELETE', `/scim/v2/Groups/${id}`)).status).toBe(204);
    expect((await lastChange()).every(({ groups }) => !groups.includes('after'))).toBe(true);
    expect((await service.call('GET', `/scim/v2/Groups/${id}`)).status).toBe(404);
  });

  it('refuses to change a version that nobody has seen', async () => {
    const id = await service.group('versions', []);
    const headers = { 'if-match': 'W/"9"' };
    expect(
      (await service.call('PUT', `/scim/v2/Groups/${id}`, { displayName: 'x' }, { headers })).status,
    ).toBe(412);
    expect((await service.call('DELETE', `/scim/v2/Groups/${id}`, undefined, { headers })).status).toBe(412);
  });

  it('filters by name, member and externalId', async () => {
    const id = await service.group('to-be-found', [cat]);
    const find = async (filter: string) =>
      (
        await service.call<List>('GET', `/scim/v2/Groups?filter=${encodeURIComponent(filter)}`)
      ).body.Resources.map((group) => group.id);
    expect(await find('displayName eq "TO-BE-FOUND"')).toEqual([id]);
    expect(await find(`members.value eq "${cat}" and displayName sw "to-be"`)).toEqual([id]);
    expect(await find(`members[value eq "${cat}"] and displayName co "be-f"`)).toEqual([id]);
    expect(await find(`members eq "${v7()}"`)).toEqual([]);
    expect(await find(`id eq "${id}"`)).toEqual([id]);
    expect(await find('externalId eq "nothing"')).toEqual([]);
    const bad = await service.call<ScimError>(
      'GET',
      `/scim/v2/Groups?filter=${encodeURIComponent('userName eq "x"')}`,
    );
    expect([bad.status, bad.body.scimType]).toEqual([400, 'invalidFilter']);
    const bare = await service.call<List>(
      'GET',
      `/scim/v2/Groups?excludedAttributes=members&filter=${encodeURIComponent(`id eq "${id}"`)}`,
    );
    expect(bare.body.Resources[0]).not.toHaveProperty('members');
  });

  it.each([
    ['nobody', { displayName: 'bad', members: [{ value: 'nobody@test' }] }],
    ['a member without a value', { displayName: 'bad', members: [{ display: 'Ann' }] }],
    ['a member that is no object', { displayName: 'bad', members: [7] }],
    ['no name', { members: [] }],
    ['100,001 members', { displayName: 'bad', members: Array.from({ length: 100_001 }, () => 'x') }],
  ])('refuses %s', async (_, body) => {
    const answer = await service.call<ScimError>('POST', '/scim/v2/Groups', body);
    expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
    expect(await service.rows(`SELECT 1 FROM group_ WHERE display_name = 'bad'`)).toEqual([]);
  });

  it('keeps workspaces apart', async () => {
    const id = await service.group('mine', [ann]);
    const other = v7();
    for (const [method, body] of [
      ['GET'],
      ['PUT', { displayName: 'x' }],
      ['PATCH', {}],
      ['DELETE'],
    ] as const) {
      expect((await service.call(method, `/scim/v2/Groups/${id}`, body, {}, other)).status).toBe(404);
    }
    const foreign = await service.call<ScimError>(
      'POST',
      '/scim/v2/Groups',
      { displayName: 'x', members: [{ value: ann }] },
      {},
      other,
    );
    expect([foreign.status, foreign.body.scimType]).toEqual([400, 'invalidValue']);
    expect((await service.call<List>('GET', '/scim/v2/Groups', undefined, {}, other)).body.totalResults).toBe(
      0,
    );
  });

  it('raises versions once a change when two groups take the same people at the same time', async () => {
    const people = await Promise.all([1, 2, 3, 4, 5].map((n) => service.user(`both-${n}@test`)));
    await Promise.all([
      ...[1, 2, 3, 4].map((n) => service.group(`crowd-${n}`, n % 2 ? people : [...people].reverse())),
    ]);
    const rows = await service.rows<{ version: string }>(
      'SELECT version FROM user_ WHERE id = ANY ($1::uuid[])',
      [people],
    );
    expect(rows.map(({ version }) => version)).toEqual(['5', '5', '5', '5', '5']);
    const newest = (await service.sent('directory.changed.v1'))
      .flatMap(({ data }) => data.people)
      .filter(({ id, version }) => people.includes(id) && version === 5);
    expect(newest).toHaveLength(5);
    for (const { groups } of newest) expect(groups).toEqual(['crowd-1', 'crowd-2', 'crowd-3', 'crowd-4']);
  });

  it('takes a group of 10,000 and tells of its members 500 at a time', async () => {
    const workspaceId = v7();
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, true, '{}' FROM generate_series(1, 10000) n`,
      [workspaceId],
    );
    const members = await service.rows<{ id: string }>('SELECT id FROM user_ WHERE workspace_id = $1', [
      workspaceId,
    ]);
    const id = await service.group(
      'everybody',
      members.map((member) => member.id),
      workspaceId,
    );
    const group = await service.call<Group>('GET', `/scim/v2/Groups/${id}`, undefined, {}, workspaceId);
    expect(group.body.members).toHaveLength(10_000);
    const told = async () =>
      (await service.sent('directory.changed.v1'))
        .filter((message) => message.workspaceId === workspaceId)
        .map(({ data }) => data.people.length);
    const sum = async () => (await told()).reduce((all, n) => all + n, 0);
    await service.eventually(async () => (await sum()) >= 10_000);
    expect(await sum()).toBe(10_000);
    expect(Math.max(...(await told()))).toBe(500);
  }, 30_000);

  it('shows a page of as many groups as have 20,000 members together, and a larger one by itself', async () => {
    const workspaceId = v7();
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, true, '{}' FROM generate_series(1, 21000) n`,
      [workspaceId],
    );
    const sizes = [12_000, 12_000, 1, 21_000, 0];
    const ids: string[] = [];
    for (const [n, size] of sizes.entries()) {
      const id = await service.group(`cut-${n}`, [], workspaceId);
      ids.push(id);
      await service.rows(
        `INSERT INTO membership (workspace_id, group_id, user_id)
         SELECT $1, $2, id FROM user_ WHERE workspace_id = $1 LIMIT $3`,
        [workspaceId, id, size],
      );
    }
    const shown = ({ totalResults, itemsPerPage, Resources }: List) => {
      expect([totalResults, itemsPerPage]).toEqual([5, Resources.length]);
      return Resources.map(({ id, members }) => [ids.indexOf(id), members?.length ?? null]);
    };
    for (const page of [
      (startIndex: number) =>
        service.call<List>('GET', `/scim/v2/Groups?startIndex=${startIndex}`, undefined, {}, workspaceId),
      (startIndex: number) =>
        service.call<List>(
          'POST',
          '/scim/v2/.search',
          {
            schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
            filter: 'displayName sw "cut-"',
            startIndex,
          },
          {},
          workspaceId,
        ),
    ]) {
      const pages: unknown[] = [];
      for (let next = 1; next <= 5;) {
        const { body } = await page(next);
        pages.push(shown(body));
        next += body.itemsPerPage;
      }
      expect(pages).toEqual([
        [[0, 12_000]],
        [
          [1, 12_000],
          [2, 1],
        ],
        [
          [3, 21_000],
          [4, 0],
        ],
      ]);
    }
    const bare = await service.call<List>(
      'GET',
      '/scim/v2/Groups?excludedAttributes=members',
      undefined,
      {},
      workspaceId,
    );
    expect(shown(bare.body).map(([n]) => n)).toEqual([0, 1, 2, 3, 4]);
  }, 60_000);
});
