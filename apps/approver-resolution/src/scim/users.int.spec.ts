import { TestService } from '../../test/test-service';
import { v7 } from 'uuid';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const countersign = 'urn:countersign:scim:schemas:1.0:User';

interface User {
  [member: string]: unknown;
  id: string;
  schemas: string[];
  userName: string;
  meta: { version: string; location: string; created: string; lastModified: string; resourceType: string };
}
interface List {
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  Resources: User[];
}
interface ScimError {
  schemas: string[];
  status: string;
  scimType?: string;
  detail: string;
}

const week = { from: '2026-01-01T00:00:00Z', to: '2026-01-08T00:00:00Z' };
/** Somebody to be refused, with an absence. */
const away = (outOfOffice: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  userName: 'x@bad.test',
  [countersign]: { outOfOffice, ...more },
});

describe('SCIM users', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());

  const namesOf = async (filter: string, more = ''): Promise<string[]> => {
    const answer = await service.call<List>(
      'GET',
      `/scim/v2/Users?filter=${encodeURIComponent(filter)}${more}`,
    );
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body.Resources.map(({ userName }) => userName);
  };

  it('creates a user with everything a directory sends and shows it again', async () => {
    const boss = await service.user('boss@create.test', { displayName: 'The Boss' });
    const created = await service.call<User>('POST', '/scim/v2/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise, countersign],
      id: v7(),
      externalId: '974d3b91-22dd-4851-9987-10ebbfb08737',
      userName: 'Alice@Create.test',
      name: { givenName: 'Alice', familyName: 'Example' },
      emails: [{ value: 'home@create.test' }, { value: 'work@create.test', type: 'work', primary: true }],
      roles: ['approver'],
      active: 'True',
      password: 'secret',
      favouriteColour: 'blue',
      [enterprise]: { department: 'IT', manager: { value: boss } },
      [countersign]: {
        approvalLimit: 5000.5,
        region: 'EMEA',
        outOfOffice: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00+01:00' },
      },
    });
    expect(created.status).toBe(201);
    const { id } = created.body;
    expect(created.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    expect(created.headers.get('location')).toBe(`https://countersign.example.com/scim/v2/Users/${id}`);
    expect(created.headers.get('etag')).toBe('W/"1"');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(created.body).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise, countersign],
      id,
      externalId: '974d3b91-22dd-4851-9987-10ebbfb08737',
      userName: 'Alice@Create.test',
      name: { givenName: 'Alice', familyName: 'Example' },
      displayName: 'Alice Example',
      emails: [{ value: 'home@create.test' }, { value: 'work@create.test', type: 'work', primary: true }],
      roles: [{ value: 'approver' }],
      active: true,
      groups: [],
      [enterprise]: {
        department: 'IT',
        manager: {
          value: boss,
          displayName: 'The Boss',
          $ref: `https://countersign.example.com/scim/v2/Users/${boss}`,
        },
      },
      [countersign]: {
        approvalLimit: 5000.5,
        region: 'EMEA',
        outOfOffice: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-31T23:00:00.000Z' },
      },
      meta: {
        resourceType: 'User',
        created: created.body.meta.created,
        lastModified: created.body.meta.created,
        location: `https://countersign.example.com/scim/v2/Users/${id}`,
        version: 'W/"1"',
      },
    });
    const read = await service.call<User>('GET', `/scim/v2/Users/${id}`);
    expect(read.body).toEqual(created.body);
    expect(read.headers.get('etag')).toBe('W/"1"');

    const changes = await service.sent('directory.changed.v1');
    const change = changes.find(({ data }) => data.people[0]?.id === id);
    expect(change?.queues).toEqual(['audit', 'intake', 'notification', 'routing']);
    expect(change?.data).toEqual({
      deleted: [],
      people: [
        {
          id,
          externalId: '974d3b91-22dd-4851-9987-10ebbfb08737',
          userName: 'Alice@Create.test',
          displayName: 'Alice Example',
          email: 'work@create.test',
          active: true,
          department: 'IT',
          region: 'EMEA',
          approvalLimit: 5000.5,
          groups: [],
          manager: boss,
          reading: { language: null, locale: null, timezone: null },
          version: 1,
        },
      ],
    });
  });

  it('finds users by their roles, and refuses a role that is too long', async () => {
    const role = { value: 'General-Counsel', display: 'General Counsel', type: 'legal', primary: true };
    const id = await service.user('counsel@role.test', { roles: [role, 'signer'] });
    await service.user('nobody@role.test');
    expect((await service.call<User>('GET', `/scim/v2/Users/${id}`)).body).toMatchObject({
      roles: [role, { value: 'signer' }],
    });
    for (const filter of [
      'roles eq "general-counsel"',
      'roles.value eq "SIGNER"',
      'roles[type eq "legal" and primary eq true]',
      'userName ew "role.test" and roles pr',
    ])
      expect(await namesOf(filter)).toEqual(['counsel@role.test']);
    const long = { userName: 'long@role.test', roles: ['r'.repeat(257)] };
    expect(await service.call('POST', '/scim/v2/Users', long)).toMatchObject({
      status: 400,
      body: { scimType: 'invalidValue' },
    });
  });

  it.each([
    [{ userName: 'd1@name.test', displayName: 'D', name: { formatted: 'F' } }, 'D'],
    [{ userName: 'd2@name.test', name: { formatted: 'F', givenName: 'G' } }, 'F'],
    [{ userName: 'd3@name.test', name: { familyName: 'Only' } }, 'Only'],
    [{ userName: 'd4@name.test' }, 'd4@name.test'],
  ])('names a user %j', async (body, displayName) => {
    const answer = await service.call<User>('POST', '/scim/v2/Users', body);
    expect(answer.body.displayName).toBe(displayName);
  });

  it.each([
    ['an id', (boss: { id: string }) => ({ value: boss.id })],
    ['an externalId', () => ({ value: 'ext-of-boss' })],
    ['a userName in any case, as a plain string', () => 'BOSS@ref.test'],
  ])('takes a manager by %s', async (_, manager) => {
    const [found] = await service.rows<{ id: string }>(
      `SELECT id FROM user_ WHERE user_name = 'boss@ref.test'`,
    );
    const id = found?.id ?? (await service.user('boss@ref.test', { externalId: 'ext-of-boss' }));
    const answer = await service.call<User>('POST', '/scim/v2/Users', {
      userName: `${v7()}@ref.test`,
      [enterprise]: { manager: manager({ id }) },
    });
    expect(answer.status).toBe(201);
    expect(answer.body[enterprise]).toMatchObject({ manager: { value: id } });
  });

  it('reads attribute names without regard to case', async () => {
    const answer = await service.call<User>('POST', '/scim/v2/Users', {
      USERNAME: 'case@test',
      DisplayName: 'Case',
    });
    expect(answer.body).toMatchObject({ userName: 'case@test', displayName: 'Case' });
  });

  it('refuses a userName that is taken, in any case', async () => {
    await service.user('taken@test');
    const answer = await service.call<ScimError>('POST', '/scim/v2/Users', { userName: 'TAKEN@test' });
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    expect(answer.body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '409',
      scimType: 'uniqueness',
      detail: 'There is already a user named TAKEN@test.',
    });
  });

  it('makes one user of fifty equal creations at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        service.call<User>('POST', '/scim/v2/Users', { userName: 'race@test' }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(49);
  });

  it('answers a repeated Idempotency-Key with the first answer', async () => {
    const options = { keyId: v7(), headers: { 'idempotency-key': 'one' } };
    const body = { userName: 'once@test' };
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].map(() => service.call<User>('POST', '/scim/v2/Users', body, options)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(4);
    expect(new Set(answers.map(({ headers }) => headers.get('etag')))).toEqual(new Set(['W/"1"']));
    const other = await service.call<ScimError>(
      'POST',
      '/scim/v2/Users',
      { userName: 'twice@test' },
      options,
    );
    expect(other.status).toBe(422);
  });

  it.each([
    ['no userName', {}, 'invalidValue'],
    ['a blank userName', { userName: '  ' }, 'invalidValue'],
    ['a userName that is no string', { userName: 7 }, 'invalidValue'],
    ['a NUL', { userName: 'a\u0000b' }, 'invalidSyntax'],
    ['an endless userName', { userName: 'a'.repeat(257) }, 'invalidValue'],
    ['an endless externalId', { userName: 'x@bad.test', externalId: 'a'.repeat(10_000) }, 'invalidValue'],
    ['mails that are no list', { userName: 'x@bad.test', emails: 'x' }, 'invalidValue'],
    [
      '101 mails',
      { userName: 'x@bad.test', emails: Array.from({ length: 101 }, () => ({ value: 'x' })) },
      'invalidValue',
    ],
    ['an unclear active', { userName: 'x@bad.test', active: 'perhaps' }, 'invalidValue'],
    [
      'a limit that is no number',
      { userName: 'x@bad.test', [countersign]: { approvalLimit: 'abc' } },
      'invalidValue',
    ],
    ['a negative limit', { userName: 'x@bad.test', [countersign]: { approvalLimit: -1 } }, 'invalidValue'],
    [
      'an absence without a zone',
      {
        userName: 'x@bad.test',
        [countersign]: { outOfOffice: { from: '2026-01-01', to: '2027-01-01T00:00:00Z' } },
      },
      'invalidValue',
    ],
    [
      'an absence that lasts into the year 10000 of UTC',
      {
        userName: 'x@bad.test',
        [countersign]: { outOfOffice: { from: '2026-01-01T00:00:00Z', to: '9999-12-31T23:59:59-01:00' } },
      },
      'invalidValue',
    ],
    [
      'an absence since the year 0 of UTC',
      {
        userName: 'x@bad.test',
        [countersign]: { outOfOffice: { from: '0001-01-01T00:00:00+01:00', to: '2026-01-01T00:00:00Z' } },
      },
      'invalidValue',
    ],
    ['an endless number as a limit', away({}, { approvalLimit: '9'.repeat(400) }), 'invalidValue'],
    ['an empty limit', { userName: 'x@bad.test', [countersign]: { approvalLimit: '' } }, 'invalidValue'],
    [
      'a negative limit as text',
      { userName: 'x@bad.test', [countersign]: { approvalLimit: '-1' } },
      'invalidValue',
    ],
    ['an absence that has only a delegate', away({ delegate: 'x@away.test' }), 'invalidValue'],
    ['an absence without an end', away({ from: '2026-01-01T00:00:00Z' }), 'invalidValue'],
    ['an absence without a beginning', away({ to: '2026-01-01T00:00:00Z' }), 'invalidValue'],
    ['an absence that ends before it begins', away({ ...week, to: '2025-12-31T00:00:00Z' }), 'invalidValue'],
    [
      'an absence that ends when it begins',
      away({ ...week, to: '2026-01-01T01:00:00+01:00' }),
      'invalidValue',
    ],
    ['a delegate whom nobody knows', away({ ...week, delegate: 'nobody@away.test' }), 'invalidValue'],
    ['who stands in for themselves by name', away({ ...week, delegate: 'X@BAD.test' }), 'invalidValue'],
    [
      'who stands in for themselves by externalId',
      { ...away({ ...week, delegate: 'e-bad' }), externalId: 'e-bad' },
      'invalidValue',
    ],
    ['an unknown manager', { userName: 'x@bad.test', [enterprise]: { manager: 'nobody' } }, 'invalidValue'],
    ['other schemas', { schemas: ['urn:x'], userName: 'x@bad.test' }, 'invalidValue'],
    ['a list', [], 'invalidSyntax'],
    ['null', null, 'invalidSyntax'],
  ])('refuses %s', async (_, body, scimType) => {
    const answer = await service.call<ScimError>('POST', '/scim/v2/Users', body);
    expect({ status: answer.status, scimType: answer.body.scimType }).toEqual({ status: 400, scimType });
    expect(await service.rows(`SELECT 1 FROM user_ WHERE user_name LIKE '%bad.test'`)).toHaveLength(0);
  });

  it('take a number as text, and a delegate by every name of theirs', async () => {
    const ann = await service.user('ann@away.test', { externalId: 'e-ann' });
    for (const [n, delegate] of [ann, 'e-ann', 'ANN@away.test'].entries()) {
      const ours = { approvalLimit: '500.50', outOfOffice: { ...week, delegate } };
      const id = await service.user(`away-${n}@away.test`, { [countersign]: ours });
      const { body } = await service.call<User>('GET', `/scim/v2/Users/${id}`);
      expect(body[countersign]).toMatchObject({ approvalLimit: 500.5, outOfOffice: { delegate } });
    }
    expect(await namesOf(`${countersign}:approvalLimit eq 500.5`)).toHaveLength(3);
  });

  it('are replaced by no absence that is refused when they are made', async () => {
    const id = await service.user('carl@away.test', { externalId: 'e-carl' });
    const put = async (outOfOffice: Record<string, unknown>, more: Record<string, unknown> = {}) => {
      const { status, body } = await service.call<ScimError>('PUT', `/scim/v2/Users/${id}`, {
        userName: 'carl@away.test',
        [countersign]: { outOfOffice },
        ...more,
      });
      return [status, body.scimType];
    };
    const refused = [400, 'invalidValue'];
    expect(await put({ delegate: id })).toEqual(refused);
    expect(await put({ ...week, to: week.from })).toEqual(refused);
    for (const delegate of [id, id.toUpperCase(), 'CARL@away.test', 'e-carl', 'nobody@away.test'])
      expect([delegate, await put({ ...week, delegate })]).toEqual([delegate, refused]);
    expect(await put({ ...week, delegate: 'new' }, { externalId: 'new' })).toEqual(refused);
    expect(await put(week)).toEqual([200, undefined]);
    const two = await Promise.all(
      [1, 2].map((n) => service.user(`two-${n}@away.test`, { externalId: 'two' })),
    );
    expect(await put({ ...week, delegate: 'two' })).toEqual(refused);
    expect(await put({ ...week, delegate: two[0] })).toEqual([200, undefined]);
  });

  it.each([
    ['broken JSON', '{', 400, 'invalidSyntax'],
    ['nesting without end', '{"userName":'.concat('['.repeat(100_000)), 400, 'invalidSyntax'],
    ['__proto__', '{"userName":"x@bad.test","__proto__":{"active":false}}', 400, 'invalidSyntax'],
    ['more than 8 MiB', `{"userName":"${'a'.repeat(8 * 1024 * 1024)}"}`, 413, undefined],
  ])('refuses a body with %s', async (_, text, status, scimType) => {
    const answer = await service.call<ScimError>('POST', '/scim/v2/Users', undefined, { text });
    expect(answer.status).toBe(status);
    expect(answer.body.scimType).toBe(scimType);
  });

  it('refuses other media types', async () => {
    const answer = await service.call<ScimError>('POST', '/scim/v2/Users', undefined, {
      text: 'userName=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(answer.status).toBe(415);
  });

  it('lists by filter', async () => {
    await service.user('f1@filter.test', {
      displayName: 'Filter One',
      externalId: 'F-1',
      title: 'Head',
      name: { familyName: 'Öz_%' },
      emails: [
        { value: 'one@mail.test', type: 'work' },
        { value: 'alias@mail.test', type: 'home' },
      ],
      [enterprise]: { department: 'IT' },
      [countersign]: { approvalLimit: 100 },
    });
    const f2 = await service.user('f2@filter.test', {
      displayName: 'Filter Two',
      active: false,
      [enterprise]: { manager: 'f1@filter.test' },
    });
    const group = await service.group('filter-group', [f2]);
    const mine = 'userName ew "@filter.test"';
    const [f1] = await service.rows<{ id: string }>(
      `SELECT id FROM user_ WHERE user_name = 'f1@filter.test'`,
    );

    expect(await namesOf('userName eq "F1@FILTER.test"')).toEqual(['f1@filter.test']);
    expect(await namesOf('urn:ietf:params:scim:schemas:core:2.0:User:username Eq "f1@filter.test"')).toEqual([
      'f1@filter.test',
    ]);
    expect(await namesOf(`id eq "${f2}"`)).toEqual(['f2@filter.test']);
    expect(await namesOf('id eq "no-uuid"')).toEqual([]);
    expect(await namesOf('externalId eq "F-1"')).toEqual(['f1@filter.test']);
    expect(await namesOf('externalId eq "f-1"')).toEqual([]);
    expect(await namesOf('displayName sw "filter t"')).toEqual(['f2@filter.test']);
    expect(await namesOf(`${mine} and active eq true`)).toEqual(['f1@filter.test']);
    expect(await namesOf(`${mine} and not (active eq true)`)).toEqual(['f2@filter.test']);
    expect(await namesOf(`${mine} and externalId pr`)).toEqual(['f1@filter.test']);
    expect(await namesOf(`${mine} and (title eq "head" or active eq false)`)).toEqual([
      'f1@filter.test',
      'f2@filter.test',
    ]);
    expect(await namesOf('emails.value eq "ALIAS@mail.test"')).toEqual(['f1@filter.test']);
    expect(await namesOf('emails eq "alias@mail.test"')).toEqual(['f1@filter.test']);
    expect(await namesOf('emails[type eq "work" and value eq "one@mail.test"]')).toEqual(['f1@filter.test']);
    expect(await namesOf('emails[type eq "work" and value eq "alias@mail.test"]')).toEqual([]);
    expect(await namesOf('name.familyName co "z_%"')).toEqual(['f1@filter.test']);
    expect(await namesOf('name.familyName co "z%_"')).toEqual([]);
    expect(await namesOf(`${enterprise}:department eq "it" and ${mine}`)).toEqual(['f1@filter.test']);
    expect(await namesOf(`${enterprise}:manager eq "${f1?.id}"`)).toEqual(['f2@filter.test']);
    expect(await namesOf(`${countersign}:approvalLimit ge 100 and ${mine}`)).toEqual(['f1@filter.test']);
    expect(await namesOf(`groups.value eq "${group}"`)).toEqual(['f2@filter.test']);
    expect(await namesOf('groups.display eq "filter-group"')).toEqual(['f2@filter.test']);
    expect(await namesOf(`${mine} and meta.created gt "2020-01-01T00:00:00Z"`)).toHaveLength(2);
    expect(await namesOf(`${mine} and meta.lastModified lt "2020-01-01T00:00:00Z"`)).toHaveLength(0);
    expect(await namesOf(`userName eq "' OR true --"`)).toEqual([]);
    expect(await namesOf('userName eq "\\"; DROP TABLE user_; --"')).toEqual([]);
  });

  it.each([
    'userName',
    'userName eq',
    'userName zz "x"',
    'favouriteColour eq "blue"',
    'password eq "x"',
    'active gt true',
    'active eq "perhaps"',
    'emails[type eq "work"].value',
    'emails[type eq "work"].nothing eq "x"',
    'userName[value eq "x"]',
    'meta.created eq "yesterday"',
    `${'not ('.repeat(100)}userName pr${')'.repeat(100)}`,
    Array.from({ length: 51 }, () => 'userName pr').join(' or '),
    `userName eq "${'\n'.repeat(60)}`,
    `userName eq "a\u0000"`,
    'constructor eq "x"',
    '__proto__ pr',
    `${enterprise}:constructor pr`,
    "t.id eq 'x'",
  ])('refuses the filter %s', async (filter) => {
    const answer = await service.call<ScimError>(
      'GET',
      `/scim/v2/Users?filter=${encodeURIComponent(filter)}`,
    );
    expect({ status: answer.status, scimType: answer.body.scimType }).toEqual({
      status: 400,
      scimType: 'invalidFilter',
    });
  });

  it('pages with startIndex and count, in the order of creation', async () => {
    for (const n of [1, 2, 3, 4, 5]) await service.user(`p${n}@page.test`);
    const page = (query: string) =>
      service.call<List>(
        'GET',
        `/scim/v2/Users?filter=${encodeURIComponent('userName ew "@page.test"')}&${query}`,
      );
    const second = await page('startIndex=3&count=2');
    expect(second.body).toMatchObject({ totalResults: 5, startIndex: 3, itemsPerPage: 2 });
    expect(second.body.Resources.map(({ userName }) => userName)).toEqual(['p3@page.test', 'p4@page.test']);
    expect((await page('count=0')).body).toMatchObject({ totalResults: 5, itemsPerPage: 0, Resources: [] });
    expect((await page('count=-1')).body.itemsPerPage).toBe(0);
    expect((await page('startIndex=0')).body).toMatchObject({ startIndex: 1, itemsPerPage: 5 });
    expect((await page('startIndex=99')).body).toMatchObject({ totalResults: 5, itemsPerPage: 0 });
    expect((await page('sortBy=userName')).status).toBe(200);
    expect((await page('count=x')).status).toBe(400);
    expect((await page('count=1&count=2')).status).toBe(400);
  });

  it('answers with the attributes that were asked for', async () => {
    await service.user('proj@test', {
      name: { givenName: 'A', familyName: 'B' },
      [enterprise]: { department: 'IT', division: 'X' },
    });
    const list = (query: string) =>
      service.call<List>(
        'GET',
        `/scim/v2/Users?filter=${encodeURIComponent('userName eq "proj@test"')}&${query}`,
      );
    const some = await list(`attributes=userName,name.givenName,${enterprise}:department`);
    const { id, schemas, ...rest } = some.body.Resources[0] ?? {};
    expect([id, schemas]).toEqual([expect.any(String), expect.any(Array)]);
    expect(rest).toEqual({
      userName: 'proj@test',
      name: { givenName: 'A' },
      [enterprise]: { department: 'IT' },
    });
    const without = await list('excludedAttributes=name,groups,meta.created');
    expect(without.body.Resources[0]).not.toHaveProperty('name');
    expect(without.body.Resources[0]).not.toHaveProperty('groups');
    expect(without.body.Resources[0]?.meta).not.toHaveProperty('created');
    expect(without.body.Resources[0]?.meta).toHaveProperty('version');
    expect((await list('attributes=id&excludedAttributes=meta')).status).toBe(400);
  });

  it('replaces a user, guarded by the version', async () => {
    const id = await service.user('put@test', { title: 'Old', [enterprise]: { department: 'IT' } });
    const stale = await service.call<ScimError>(
      'PUT',
      `/scim/v2/Users/${id}`,
      { userName: 'put@test' },
      { headers: { 'if-match': 'W/"7"' } },
    );
    expect(stale.status).toBe(412);
    const answer = await service.call<User>(
      'PUT',
      `/scim/v2/Users/${id}`,
      { userName: 'Put2@test', active: false },
      { headers: { 'if-match': 'W/"1"' } },
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('W/"2"');
    expect(answer.body).toMatchObject({ id, userName: 'Put2@test', active: false });
    expect(answer.body).not.toHaveProperty('title');
    expect(answer.body).not.toHaveProperty(enterprise);
    const known = await service.call('GET', `/scim/v2/Users/${id}`, undefined, {
      headers: { 'if-none-match': 'W/"2"' },
    });
    expect(known.status).toBe(304);
    const last = (await service.sent('directory.changed.v1')).at(-1);
    expect(last?.data.people).toMatchObject([{ id, active: false, version: 2, department: null }]);
    await service.user('put3@test');
    const taken = await service.call<ScimError>('PUT', `/scim/v2/Users/${id}`, { userName: 'put3@test' });
    expect([taken.status, taken.body.scimType]).toEqual([409, 'uniqueness']);
  });

  it('deletes a user, whom nobody reports to any more', async () => {
    const boss = await service.user('boss@delete.test');
    const report = await service.user('report@delete.test', { [enterprise]: { manager: boss } });
    const group = await service.group('delete-group', [boss]);
    expect((await service.call('DELETE', `/scim/v2/Users/${boss}`)).status).toBe(204);
    expect((await service.call('GET', `/scim/v2/Users/${boss}`)).status).toBe(404);
    expect((await service.call('DELETE', `/scim/v2/Users/${boss}`)).status).toBe(404);
    const members = await service.call<{ members: unknown[]; meta: { version: string } }>(
      'GET',
      `/scim/v2/Groups/${group}`,
    );
    expect(members.body).toMatchObject({ members: [], meta: { version: 'W/"2"' } });
    const [deleted, changed] = (await service.sent('directory.changed.v1')).slice(-2);
    expect(deleted?.data).toEqual({ people: [], deleted: [boss] });
    expect(changed?.data.people).toMatchObject([{ id: report, manager: null, version: 2 }]);
    expect((await service.user('boss@delete.test')).length).toBe(36);
  });

  it('keeps workspaces apart', async () => {
    const id = await service.user('mine@apart.test');
    const other = v7();
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await service.call<ScimError>(
        method,
        `/scim/v2/Users/${id}`,
        method === 'GET' || method === 'DELETE' ? undefined : { userName: 'x' },
        {},
        other,
      );
      expect([method, answer.status, answer.body.status]).toEqual([method, 404, '404']);
    }
    const list = await service.call<List>(
      'GET',
      `/scim/v2/Users?filter=${encodeURIComponent('userName pr')}`,
      undefined,
      {},
      other,
    );
    expect(list.body.totalResults).toBe(0);
    expect(await service.user('mine@apart.test', {}, other)).not.toBe(id);
    const foreign = await service.call<ScimError>(
      'POST',
      '/scim/v2/Users',
      { userName: 'y', [enterprise]: { manager: id } },
      {},
      other,
    );
    expect(foreign.status).toBe(400);
  });

  it('asks for the scope of each call and for a known actor', async () => {
    const read = await service.call<ScimError>('GET', '/scim/v2/Users', undefined, {
      scopes: ['directory:write'],
    });
    expect([read.status, read.body.schemas]).toEqual([403, ['urn:ietf:params:scim:api:messages:2.0:Error']]);
    expect(
      (await service.call('POST', '/scim/v2/Users', { userName: 's' }, { scopes: ['directory:read'] }))
        .status,
    ).toBe(403);
    const scopes = ['directory:write' as const, 'act-as' as const];
    const unknown = await service.call<ScimError>(
      'POST',
      '/scim/v2/Users',
      { userName: 'by@actor.test' },
      { scopes, actor: 'nobody@test' },
    );
    expect(unknown.status).toBe(403);
    await service.user('admin@actor.test');
    const known = await service.call(
      'POST',
      '/scim/v2/Users',
      { userName: 'by@actor.test' },
      { scopes, actor: 'ADMIN@actor.test' },
    );
    expect(known.status).toBe(201);
  });

  it('says what it cannot do', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await service.call<ScimError>(method, '/scim/v2/Me');
      expect([answer.status, answer.body.status]).toEqual([501, '501']);
    }
    expect((await service.call('GET', `/scim/v2/Users/${v7()}`)).status).toBe(404);
    expect((await service.call('GET', '/scim/v2/Users/no-uuid')).status).toBe(404);
    expect((await service.call<ScimError>('GET', '/scim/v2/Nothing')).body.status).toBe('404');
  });

  it('describes itself', async () => {
    const config = await service.call('GET', '/scim/v2/ServiceProviderConfig');
    expect(config.body).toMatchObject({
      filter: { supported: true, maxResults: 200 },
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1000, maxPayloadSize: 8 * 1024 * 1024 },
      sort: { supported: true },
      etag: { supported: true },
    });
    const types = await service.call<{ Resources: { id: string }[] }>('GET', '/scim/v2/ResourceTypes');
    expect(types.body.Resources.map(({ id }) => id)).toEqual(['User', 'Group']);
    expect((await service.call('GET', '/scim/v2/ResourceTypes/Group')).body).toMatchObject({
      endpoint: '/Groups',
    });
    expect((await service.call('GET', '/scim/v2/ResourceTypes/Car')).status).toBe(404);
    const schemas = await service.call<{ Resources: { id: string }[] }>('GET', '/scim/v2/Schemas');
    expect(schemas.body.Resources).toHaveLength(4);
    for (const { id } of schemas.body.Resources) {
      expect((await service.call(`GET`, `/scim/v2/Schemas/${id}`)).body).toMatchObject({ id });
    }
  });
});
