import { v7 } from 'uuid';
import { ScimClient } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

const at = 'https://countersign.example.com/scim/v2';

describe('RFC 7644 §3.7 bulk operations', () => {
  let service: TestService;
  let scim: ScimClient;
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
  });
  afterAll(() => service.stop());

  const user = (userName: string, more: Record<string, unknown> = {}) => ({
    schemas: [urns.user],
    userName,
    ...more,
  });
  const group = (displayName: string, ...members: unknown[]) => ({
    schemas: [urns.group],
    displayName,
    members,
  });
  const post = (bulkId: string, path: string, data: unknown) => ({ method: 'POST', path, bulkId, data });
  const ok = async (operations: unknown[], more: Record<string, unknown> = {}) => {
    const answer = await scim.bulk(operations, more);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body.Operations;
  };
  const statuses = async (operations: unknown[], more: Record<string, unknown> = {}) =>
    (await ok(operations, more)).map(({ status }) => status);
  const idOf = (location = '') => location.split('/').at(-1) ?? '';
  const named = async (userName: string) =>
    (await scim.list('/Users', { filter: `userName eq "${userName}"` })).Resources[0];

  it('§3.7.3 carries out POST, PUT, PATCH and DELETE and says what became of each', async () => {
    const [bob, dave, gone] = [
      await scim.user('bob@bulk.test'),
      await scim.user('dave@bulk.test', { nickName: 'D' }),
      await scim.user('gone@bulk.test'),
    ];
    const answer = await scim.bulk(
      [
        post('qwerty', '/Users', user('Alice@bulk.test')),
        { method: 'PUT', path: `/Users/${bob.id}`, version: 'W/"1"', data: user('Bob2@bulk.test') },
        {
          method: 'PATCH',
          path: `/Users/${dave.id}`,
          version: bob.meta.version,
          data: [
            { op: 'remove', path: 'nickName' },
            { op: 'add', path: 'userName', value: 'Dave2@bulk.test' },
          ],
        },
        { method: 'DELETE', path: `/Users/${gone.id}`, version: 'W/"1"' },
      ],
      { failOnErrors: 1 },
    );
    expect(answer.status).toBe(200);
    const alice = await named('alice@bulk.test');
    expect(answer.body).toEqual({
      schemas: [urns.bulkAnswer],
      Operations: [
        {
          location: `${at}/Users/${alice?.id}`,
          method: 'POST',
          bulkId: 'qwerty',
          version: 'W/"1"',
          status: '201',
        },
        { location: `${at}/Users/${bob.id}`, method: 'PUT', version: 'W/"2"', status: '200' },
        { location: `${at}/Users/${dave.id}`, method: 'PATCH', version: 'W/"2"', status: '200' },
        { location: `${at}/Users/${gone.id}`, method: 'DELETE', status: '204' },
      ],
    });
    expect(await scim.read(`/Users/${dave.id}`)).toMatchObject({ userName: 'Dave2@bulk.test' });
    expect((await scim.call('GET', `/Users/${gone.id}`)).status).toBe(404);
  });

  it('§3.7 creates, changes and deletes groups too', async () => {
    const ann = await scim.user('ann@bulk-group.test');
    const [old, gone] = [await scim.group('old', [{ value: ann.id }]), await scim.group('gone')];
    expect(
      await statuses([
        post('g', '/Groups', group('new', { value: ann.id })),
        { method: 'PUT', path: `/Groups/${old.id}`, data: group('put') },
        {
          method: 'PATCH',
          path: `/Groups/${old.id}`,
          data: {
            schemas: [urns.patch],
            Operations: [{ op: 'add', path: 'members', value: [{ value: ann.id }] }],
          },
        },
        { method: 'DELETE', path: `/Groups/${gone.id}` },
      ]),
    ).toEqual(['201', '200', '204', '204']);
    expect(await scim.read(`/Groups/${old.id}`)).toMatchObject({
      displayName: 'put',
      members: [{ value: ann.id }],
      meta: { version: 'W/"3"' },
    });
    const last = (await service.sent('directory.changed.v1')).at(-1);
    expect(last?.data.people).toMatchObject([{ id: ann.id, groups: ['new', 'put'] }]);
  });

  it('§3.7.3 says what is wrong with one operation and carries out the others', async () => {
    const bob = await scim.user('bob@errors.test');
    const answer = await ok([
      post('qwerty', '/Users', { schemas: [urns.user] }),
      { method: 'PUT', path: `/Users/${bob.id}`, version: 'W/"9"', data: user('x') },
      { method: 'DELETE', path: `/Users/${v7()}` },
      post('twice', '/Users', user('BOB@errors.test')),
      { method: 'PATCH', path: `/Users/${bob.id}`, data: { Operations: [] } },
      post('good', '/Users', user('good@errors.test')),
    ]);
    expect(answer).toMatchObject([
      {
        method: 'POST',
        bulkId: 'qwerty',
        status: '400',
        response: { schemas: [urns.error], status: '400', scimType: 'invalidValue' },
      },
      { location: `${at}/Users/${bob.id}`, status: '412', response: { status: '412' } },
      { method: 'DELETE', status: '404', response: { status: '404' } },
      { bulkId: 'twice', status: '409', response: { status: '409', scimType: 'uniqueness' } },
      { location: `${at}/Users/${bob.id}`, status: '400', response: { scimType: 'invalidSyntax' } },
      { bulkId: 'good', status: '201' },
    ]);
    expect(answer[0]).not.toHaveProperty('location');
    expect(answer[3]).not.toHaveProperty('location');
  });

  it.each([
    [1, ['201', '409'], 1],
    [2, ['201', '409', '201', '400'], 2],
    [3, ['201', '409', '201', '400', '201'], 3],
  ])('§3.7.3 ends at %i errors (failOnErrors)', async (failOnErrors, expected, made) => {
    const domain = `${failOnErrors}.fail.test`;
    await scim.user(`taken@${domain}`);
    const operations = [
      post('1', '/Users', user(`a@${domain}`)),
      post('2', '/Users', user(`taken@${domain}`)),
      post('3', '/Users', user(`b@${domain}`)),
      post('4', '/Users', {}),
      post('5', '/Users', user(`c@${domain}`)),
    ];
    expect(await statuses(operations, { failOnErrors })).toEqual(expected);
    expect((await scim.list('/Users', { filter: `userName ew "@${domain}"` })).totalResults).toBe(made + 1);
  });

  it('§3.7.2 resolves the bulkId of a user in a group and in a manager, also of later operations', async () => {
    const enterprise = (manager: string) => ({ [urns.enterprise]: { manager: { value: manager } } });
    const answer = await ok([
      post('tour', '/Groups', group('Tour Guides', { type: 'User', value: 'bulkId:qwerty' })),
      post('bob', '/Users', user('Bob@ref.test', enterprise('bulkId:qwerty'))),
      post('qwerty', '/Users', user('Alice@ref.test')),
      { method: 'PATCH', path: '/Users/bulkId:qwerty', data: [{ op: 'add', path: 'title', value: 'Head' }] },
      {
        method: 'PATCH',
        path: '/Groups/bulkId:tour',
        data: [
          { op: 'add', path: 'members', value: [{ value: 'bulkId:bob' }] },
          { op: 'remove', path: 'members[value eq "bulkId:qwerty"]' },
        ],
      },
    ]);
    expect(answer.map(({ status, bulkId }) => [status, bulkId])).toEqual([
      ['201', 'tour'],
      ['201', 'bob'],
      ['201', 'qwerty'],
      ['200', undefined],
      ['204', undefined],
    ]);
    const [alice, bob] = [await named('alice@ref.test'), await named('bob@ref.test')];
    expect(alice).toMatchObject({ title: 'Head', meta: { version: 'W/"4"' } });
    expect(bob?.[urns.enterprise]).toMatchObject({ manager: { value: alice?.id } });
    expect(await scim.members(idOf(answer[0]?.location))).toEqual([bob?.id]);
    expect(answer[3]?.location).toBe(`${at}/Users/${alice?.id}`);
  });

  it('§3.7 has what earlier operations made, by whatever name', async () => {
    const managed = (bulkId: string, manager: string) =>
      post(
        bulkId,
        '/Users',
        user(`${bulkId}@name.test`, { externalId: `ext-${bulkId}`, [urns.enterprise]: { manager } }),
      );
    expect(
      await statuses([
        post('boss', '/Users', user('boss@name.test', { externalId: 'ext-boss' })),
        managed('a', 'BOSS@name.test'),
        managed('b', 'ext-a'),
        managed('c', 'later@name.test'),
        post('later', '/Users', user('later@name.test')),
        post('g', '/Groups', group('by name', { value: 'ext-b' })),
      ]),
    ).toEqual(['201', '201', '201', '400', '201', '201']);
  });

  it('§3.7.1 resolves groups that have each other as members', async () => {
    const person = await scim.user('person@circle.test');
    const answer = await ok([
      post('qwerty', '/Groups', group('Group A', { type: 'Group', value: 'bulkId:ytrewq' })),
      post(
        'ytrewq',
        '/Groups',
        group('Group B', { type: 'Group', value: 'bulkId:qwerty' }, { value: person.id }),
      ),
    ]);
    expect(answer.map(({ status, version }) => [status, version])).toEqual([
      ['201', 'W/"1"'],
      ['201', 'W/"1"'],
    ]);
    const [a, b] = answer.map(({ location }) => idOf(location));
    expect((await scim.read(`/Groups/${a}`)).members).toMatchObject([{ value: b, type: 'Group' }]);
    expect((await scim.read(`/Groups/${b}`)).members).toMatchObject([
      { value: person.id, type: 'User' },
      { value: a, type: 'Group' },
    ]);
    const last = (await service.sent('directory.changed.v1')).at(-1);
    expect(last?.data.people).toMatchObject([{ id: person.id, groups: ['Group A', 'Group B'] }]);
  });

  describe('delegates', () => {
    const week = { from: '2026-01-01T00:00:00Z', to: '2026-01-08T00:00:00Z' };
    const away = (bulkId: string, delegate: string, more: Record<string, unknown> = {}) =>
      post(
        bulkId,
        '/Users',
        user(`${bulkId}@away.test`, { [urns.countersign]: { outOfOffice: { ...week, delegate } }, ...more }),
      );

    it('may be users of the same bulk: by bulkId, in circles, and by name when they come before', async () => {
      expect(
        await statuses([
          away('first', 'bulkId:later'),
          post('later', '/Users', user('later@away.test')),
          away('third', 'LATER@away.test'),
          away('fourth', 'third@away.test'),
          away('left', 'bulkId:right'),
          away('right', 'bulkId:left'),
          post('boss', '/Users', user('boss@away.test', { [urns.enterprise]: { manager: 'bulkId:report' } })),
          away('report', 'bulkId:boss'),
        ]),
      ).toEqual(Array.from({ length: 8 }, () => '201'));
      const [first, later] = [await named('first@away.test'), await named('later@away.test')];
      expect(first?.[urns.countersign]).toMatchObject({ outOfOffice: { delegate: later?.id } });
    });

    it('must be there: not nobody, oneself, a group, or somebody who is refused', async () => {
      expect(
        await statuses([
          away('lone', 'nobody@away.test'),
          away('selfish', 'bulkId:selfish'),
          away('vain', 'VAIN@away.test'),
          post('crew', '/Groups', group('crew')),
          away('crowded', 'bulkId:crew'),
          post('team', '/Groups', group('team', { value: 'bulkId:member' })),
          away('member', 'bulkId:team'),
          post('bad', '/Users', { userName: '' }),
          away('unlucky', 'bulkId:bad'),
          post('fine', '/Users', user('fine@away.test')),
        ]),
      ).toEqual(['400', '400', '400', '201', '400', '409', '400', '400', '409', '201']);
    });
  });

  it('§3.7.1 blames the operation of a circle whose manager is a group', async () => {
    const manager = { value: 'bulkId:team' };
    const results = await ok([
      post('boss', '/Users', user('boss@wrong.test', { [urns.enterprise]: { manager } })),
      post('team', '/Groups', group('wrong team', { value: 'bulkId:boss' })),
      post('fine', '/Users', user('fine@wrong.test')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['400', '409', '201']);
    expect(results[0]?.response?.scimType).toBe('invalidValue');
    expect(await named('boss@wrong.test')).toBeUndefined();
  });

  it('§3.7.1 resolves managers in a circle, and groups in themselves', async () => {
    const managed = (bulkId: string, manager: string) =>
      post(bulkId, '/Users', user(`${bulkId}@circle.test`, { [urns.enterprise]: { manager } }));
    const answer = await ok([
      managed('one', 'bulkId:three'),
      managed('two', 'bulkId:one'),
      managed('three', 'bulkId:two'),
      managed('self', 'bulkId:self'),
      post('own', '/Groups', group('own', { value: 'bulkId:own' }, { value: 'bulkId:self' })),
    ]);
    expect(answer.map(({ status }) => status)).toEqual(['201', '201', '201', '201', '201']);
    const [one, , three] = answer.map(({ location }) => idOf(location));
    expect((await scim.read(`/Users/${one}`))[urns.enterprise]).toMatchObject({ manager: { value: three } });
  });

  it('§3.7.2 fails what refers to an operation that failed, or to none: 409', async () => {
    const taken = await scim.user('taken@refs.test');
    const answer = await ok([
      post('bad', '/Users', user(taken.userName as string)),
      post('g', '/Groups', group('needs bad', { value: 'bulkId:bad' })),
      post('h', '/Groups', group('needs nothing there', { value: 'bulkId:nothing' })),
      post('a', '/Groups', group('circle a', { value: 'bulkId:b' }, { value: 'bulkId:bad' })),
      post('b', '/Groups', group('circle b', { value: 'bulkId:a' })),
      { method: 'DELETE', path: '/Users/bulkId:bad' },
    ]);
    expect(answer.map(({ status }) => status)).toEqual(['409', '409', '409', '409', '409', '409']);
    expect(
      (await scim.list('/Groups', { filter: 'displayName co "circle " or displayName sw "needs"' }))
        .totalResults,
    ).toBe(0);
  });

  it('undoes an operation that fails in its middle, and nothing else', async () => {
    const [ann, group_] = [await scim.user('ann@middle.test', { title: 'Old' }), await scim.group('middle')];
    const before = await scim.read(`/Users/${ann.id}`);
    expect(
      await statuses([
        { method: 'PUT', path: `/Users/${ann.id}`, data: user('person@circle.test') },
        {
          method: 'PATCH',
          path: `/Groups/${group_.id}`,
          data: [
            { op: 'add', path: 'members', value: [{ value: ann.id }] },
            { op: 'replace', path: 'members[value eq "nobody"]', value: { value: ann.id } },
          ],
        },
        post('x', '/Users', user('x@middle.test')),
      ]),
    ).toEqual(['409', '400', '201']);
    expect(await scim.read(`/Users/${ann.id}`)).toEqual(before);
    expect(await scim.members(group_.id)).toEqual([]);
  });

  it.each([
    ['no schemas', {}, 'invalidSyntax'],
    ['no operations', { schemas: [urns.bulk] }, 'invalidSyntax'],
    ['an operation that is no object', { schemas: [urns.bulk], Operations: ['x'] }, 'invalidSyntax'],
    ['a method that is no string', { schemas: [urns.bulk], Operations: [{ method: 7 }] }, 'invalidSyntax'],
    ['a senseless failOnErrors', { schemas: [urns.bulk], Operations: [], failOnErrors: 0 }, 'invalidValue'],
  ])('§3.7 refuses a bulk with %s as a whole', async (_, body, scimType) => {
    const answer = await scim.call('POST', '/Bulk', body);
    expect(answer.body).toMatchObject({ schemas: [urns.error], status: '400', scimType });
  });

  it.each([
    ['no bulkId', { method: 'POST', path: '/Users', data: user('x@one.test') }, '400'],
    ['GET', { method: 'GET', path: '/Users' }, '400'],
    ['no method', { path: '/Users' }, '400'],
    ['another path', { method: 'POST', path: '/Cars', bulkId: 'x', data: {} }, '400'],
    ['a path outside', { method: 'DELETE', path: '/Users/../../v1/api-keys' }, '400'],
    ['a PUT of all', { method: 'PUT', path: '/Users', data: {} }, '400'],
    ['a POST to one', { method: 'POST', path: '/Users/x', bulkId: 'x', data: {} }, '400'],
    ['no data', { method: 'POST', path: '/Users', bulkId: 'x' }, '400'],
    ['data that is no object', { method: 'POST', path: '/Users', bulkId: 'x', data: 'x' }, '400'],
    ['an id that is none', { method: 'DELETE', path: '/Groups/x' }, '404'],
  ])('§3.7.3 answers one operation with %s', async (_, operation, status) => {
    expect(await ok([operation])).toMatchObject([{ status, response: { schemas: [urns.error], status } }]);
  });

  it('§3.7.3 takes a bulkId once', async () => {
    const operations = [post('x', '/Users', user('x1@id.test')), post('x', '/Users', user('x2@id.test'))];
    expect(await statuses(operations)).toEqual(['201', '400']);
  });

  it('§3.7.4 refuses more operations than maxOperations, and more bytes than maxPayloadSize: 413', async () => {
    const many = Array.from({ length: 1_001 }, (_, n) => post(String(n), '/Users', user(`${n}@many.test`)));
    expect((await scim.bulk(many)).body).toMatchObject({ schemas: [urns.error], status: '413' });
    const text = JSON.stringify({ schemas: [urns.bulk], Operations: [], x: 'x'.repeat(8 * 1024 * 1024) });
    const large = await scim.call('POST', '/Bulk', undefined, { text });
    expect(large.body).toMatchObject({ schemas: [urns.error], status: '413' });
  });

  it('makes 1,000 users at once and tells of them 500 at a time', async () => {
    const workspaceId = v7();
    const operations = Array.from({ length: 1_000 }, (_, n) =>
      post(
        String(n),
        '/Users',
        user(`u${n}@many.test`, { [urns.enterprise]: { manager: n ? `bulkId:${n >> 3}` : null } }),
      ),
    );
    const answer = await new ScimClient(service, workspaceId).bulk(operations);
    expect(new Set(answer.body.Operations.map(({ status }) => status))).toEqual(new Set(['201']));
    const changes = (await service.sent('directory.changed.v1')).filter(
      (one) => one.workspaceId === workspaceId,
    );
    expect(changes.map(({ data }) => data.people.length)).toEqual([500, 500]);
    expect(changes.flatMap(({ data }) => data.people).filter(({ manager }) => manager === null)).toHaveLength(
      1,
    );
  }, 30_000);

  it('happens once with an Idempotency-Key', async () => {
    const options = { keyId: v7(), headers: { 'idempotency-key': 'bulk' } };
    const operations = [post('x', '/Groups', group('once'))];
    const answers = await Promise.all([1, 2, 3].map(() => scim.bulk(operations, {}, options)));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect((await scim.list('/Groups', { filter: 'displayName eq "once"' })).totalResults).toBe(1);
  });

  it('goes on beside other bulks and single changes of the same people', async () => {
    const people = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => (await scim.user(`beside-${n}@bulk.test`)).id),
    );
    const group_ = await scim.group('beside');
    const touch = (ids: string[]) =>
      ids.flatMap((id) => [
        {
          method: 'PATCH',
          path: `/Users/${id}`,
          data: [{ op: 'add', path: 'emails', value: { value: v7() } }],
        },
        {
          method: 'PATCH',
          path: `/Groups/${group_.id}`,
          data: [{ op: 'add', path: 'members', value: [{ value: id }] }],
        },
      ]);
    const answers = await Promise.all([
      statuses(touch(people)),
      statuses(touch([...people].reverse())),
      ...people.map(async (id) => [
        String(
          (await scim.patch(`/Users/${id}`, [{ op: 'add', path: 'emails', value: { value: v7() } }])).status,
        ),
      ]),
      ...people.map(async (value) => [
        String(
          (await scim.patch(`/Groups/${group_.id}`, [{ op: 'add', path: 'members', value: [{ value }] }]))
            .status,
        ),
      ]),
    ]);
    expect(new Set(answers.flat())).toEqual(new Set(['200', '204']));
    for (const id of people) expect((await scim.read(`/Users/${id}`)).emails).toHaveLength(3);
    expect(await scim.members(group_.id)).toEqual([...people].sort());
  });

  it('is for keys with directory:write and a known actor, in their own workspace', async () => {
    const operations = [post('x', '/Users', user('x@scope.test'))];
    expect((await scim.bulk(operations, {}, { scopes: ['directory:read'] })).status).toBe(403);
    const scopes = ['directory:write' as const, 'act-as' as const];
    expect((await scim.bulk(operations, {}, { scopes, actor: 'nobody' })).status).toBe(403);
    const mine = await scim.user('mine@scope.test');
    const foreign = await new ScimClient(service, v7()).bulk([
      { method: 'DELETE', path: `/Users/${mine.id}` },
      { method: 'PATCH', path: `/Users/${mine.id}`, data: [{ op: 'add', path: 'title', value: 'x' }] },
      post('g', '/Groups', group('x', { value: mine.id })),
    ]);
    expect(foreign.body.Operations.map(({ status }) => status)).toEqual(['404', '404', '400']);
    expect(await scim.read(`/Users/${mine.id}`)).toEqual(mine);
  });
});
