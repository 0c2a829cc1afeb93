import { v7 } from 'uuid';
import { ScimClient, type ScimList } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

const { enterprise, countersign } = urns;

describe('RFC 7644 §3.4 retrieving resources', () => {
  let service: TestService;
  let scim: ScimClient;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
    const people = [
      {
        userName: 'bjensen',
        externalId: 'E-1',
        displayName: 'Babs Jensen',
        title: 'Tour Guide',
        userType: 'Employee',
        name: { familyName: "O'Malley", givenName: 'Barbara' },
        emails: [
          { value: 'bjensen@example.com', type: 'work', primary: true },
          { value: 'babs@jensen.org', type: 'home' },
        ],
        ims: [{ value: 'babs@foo.com', type: 'xmpp' }],
        [enterprise]: { department: 'Sales', employeeNumber: '7' },
        [countersign]: {
          approvalLimit: 500,
          outOfOffice: { from: '2026-03-01T00:00:00Z', to: '2026-03-08T00:00:00Z' },
        },
      },
      {
        userName: 'JSmith',
        externalId: 'e-2',
        displayName: 'Smith, James',
        userType: 'Intern',
        name: { familyName: 'Smith' },
        emails: [{ value: 'zeta@example.org', type: 'home' }],
        [countersign]: {
          approvalLimit: 5_000,
          outOfOffice: { from: '2026-05-01T00:00:00Z', to: '2026-05-08T00:00:00Z' },
        },
      },
      { userName: 'DOMAIN\\quote"er', displayName: 'ångström', active: false },
    ];
    for (const person of people) ids[person.userName] = (await scim.user(person.userName, person)).id;
    ids.family = (await scim.group('Smith Family', [{ value: ids.JSmith }])).id;
    ids.guides = (await scim.group('Tour Guides', [{ value: ids.bjensen }, { value: ids.family }])).id;
  });
  afterAll(() => service.stop());

  const names = async (path: string, query: Record<string, string>) =>
    (await scim.list(path, query)).Resources.map(({ userName, displayName }) => userName ?? displayName);
  const quoter = 'DOMAIN\\quote"er';

  it('§3.12 gives up a search that takes too long as tooMany', async () => {
    await service.rows('BEGIN');
    await service.rows('LOCK TABLE group_ IN ACCESS EXCLUSIVE MODE');
    const { status, body } = await scim.call('GET', '/Groups?filter=displayName%20pr');
    await service.rows('COMMIT');
    expect([status, body.scimType]).toEqual([400, 'tooMany']);
  }, 25_000);

  it.each([
    // The examples of §3.4.2.2.
    ['userName Eq "BJensen"', ['bjensen']],
    [`name.familyName co "O'Malley"`, ['bjensen']],
    ['userName sw "J"', ['JSmith']],
    [`${urns.user}:userName sw "J"`, ['JSmith']],
    ['title pr', ['bjensen']],
    ['meta.lastModified gt "2011-05-13T04:42:34Z"', ['bjensen', 'JSmith', quoter]],
    ['meta.lastModified ge "2011-05-13T04:42:34Z" and title pr', ['bjensen']],
    ['meta.lastModified lt "2011-05-13T04:42:34Z"', []],
    ['meta.lastModified le "2011-05-13T04:42:34.5+02:00"', []],
    ['title pr and userType eq "Employee"', ['bjensen']],
    ['title pr or userType eq "Intern"', ['bjensen', 'JSmith']],
    [`schemas eq "${enterprise}"`, ['bjensen']],
    [`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`, ['bjensen']],
    [`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, [quoter]],
    ['userType eq "Employee" and (emails.type eq "work")', ['bjensen']],
    ['userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', ['bjensen']],
    [
      'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
      ['bjensen'],
    ],
    // Operators (table 3) on every type.
    ['userName ne "bjensen"', ['JSmith', quoter]],
    ['userName ew "SMITH"', ['JSmith']],
    ['userName gt "c" and userName le "jsmith"', ['JSmith', quoter]],
    ['userName ge "JSMITH" and userName lt "z"', ['JSmith']],
    ['externalId gt "F"', ['JSmith']],
    ['active eq true', ['bjensen', 'JSmith']],
    ['active ne "True"', [quoter]],
    [`${countersign}:approvalLimit gt 500`, ['JSmith']],
    [`${countersign}:approvalLimit ge 500.00 and title pr`, ['bjensen']],
    [`${countersign}:approvalLimit lt -5e2`, []],
    [`${countersign}:outOfOffice.from lt "2026-03-01T01:00:00+01:00"`, []],
    [`${countersign}:outOfOffice.from le "2026-03-01T02:00:00+02:00"`, ['bjensen']],
    ['id eq "nobody"', []],
    ['id co "-" and title pr', ['bjensen']],
    ['title eq null', ['JSmith', quoter]],
    ['title ne null', ['bjensen']],
    [`${enterprise}:employeeNumber eq "7"`, ['bjensen']],
    ['meta.resourceType eq "User" and meta.version eq "W/\\"1\\"" and title pr', []],
    // Logic (table 4): not before and before or; grouping.
    ['title pr or userType eq "Intern" and active eq false', ['bjensen']],
    ['(title pr or userType eq "Intern") and active eq true', ['bjensen', 'JSmith']],
    ['not (title pr) and active eq true', ['JSmith']],
    ['not (not (title pr))', ['bjensen']],
    ['((((title pr))))', ['bjensen']],
    ['TITLE PR AND NOT (USERTYPE EQ "INTERN")', ['bjensen']],
    // Values inside brackets (table 5), and after them.
    ['emails[not (type eq "work") and value sw "z"]', ['JSmith']],
    ['emails[type eq "work"].value eq "bjensen@example.com"', ['bjensen']],
    ['emails[type eq "work"].value eq "babs@jensen.org"', []],
    ['emails[type eq "home"].value co "a" and userName pr', ['bjensen', 'JSmith']],
    ['emails[primary eq true].display pr', []],
    ['emails[primary eq "True"].value pr', ['bjensen']],
    // JSON strings.
    [`userName eq ${JSON.stringify(quoter)}`, [quoter]],
    ['displayName eq "\\u00e5ngstr\\u00f6m"', [quoter]],
    ['displayName eq "ÅNGSTRÖM"', [quoter]],
    ['userName eq"bjensen"', ['bjensen']],
    ['displayName co "] or [ and ("', []],
    ['groups.display eq "Tour Guides"', ['bjensen', 'JSmith']],
    ['groups[display eq "Tour Guides" and type eq "indirect"]', ['JSmith']],
  ])('§3.4.2.2 filters users by %s', async (filter, expected) => {
    expect(await names('/Users', { filter })).toEqual(expected);
  });

  it.each([
    ['displayName eq "smith family"', ['Smith Family']],
    ['members[type eq "Group"]', ['Tour Guides']],
    ['members.display eq "babs jensen"', ['Tour Guides']],
    ['not (members[type eq "Group"])', ['Smith Family']],
    [`schemas eq "${urns.group}" and externalId eq null`, ['Smith Family', 'Tour Guides']],
  ])('§3.4.2.2 filters groups by %s', async (filter, expected) => {
    expect(await names('/Groups', { filter })).toEqual(expected);
  });

  it.each([
    'userName eq "x" and',
    'and userName pr',
    '(userName pr',
    'userName pr)',
    'userName eq x',
    "userName eq 'x'",
    'userName eq "x',
    'userName eq "\\x"',
    'userName eq 05',
    'userName eq 5',
    'active gt true',
    'active co "t"',
    'emails[type eq "work"',
    'emails[type eq "work"].value',
    'emails[type eq "work"] .value eq "x"',
    'emails[emails[type eq "x"]]',
    'name[familyName eq "x"]',
    'meta.created eq 5',
    `${countersign}:approvalLimit co "5"`,
    '',
    ' ',
    '"x" eq userName',
    'userName eq "x" or "y"',
    'urn:x:userName eq "x"',
    `title pr ${'or title pr '.repeat(60)}`,
    `title eq "${'x'.repeat(5_000)}"`,
    `${'('.repeat(3_900)}`,
    '"'.repeat(3_999),
    `userName eq "${'\\\\"'.repeat(900)}`,
    `emails${'[a'.repeat(1_500)}`,
    `${'a.'.repeat(1_900)}b eq "x"`,
  ])('§3.4.2.2 refuses the filter %s', async (filter) => {
    const start = Date.now();
    const answer = await scim.call('GET', `/Users?${new URLSearchParams({ filter }).toString()}`);
    expect(answer.body).toMatchObject({ schemas: [urns.error], status: '400', scimType: 'invalidFilter' });
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  it.each([
    [{ sortBy: 'userName' }, ['bjensen', quoter, 'JSmith']],
    [{ sortBy: 'userName', sortOrder: 'descending' }, ['JSmith', quoter, 'bjensen']],
    [{ sortBy: 'externalId', sortOrder: 'Ascending' }, ['bjensen', 'JSmith', quoter]],
    [{ sortBy: 'title' }, ['bjensen', 'JSmith', quoter]],
    [{ sortBy: 'title', sortOrder: 'descending' }, ['JSmith', quoter, 'bjensen']],
    [{ sortBy: 'emails' }, ['bjensen', 'JSmith', quoter]],
    [{ sortBy: 'emails.value', sortOrder: 'descending' }, [quoter, 'JSmith', 'bjensen']],
    [{ sortBy: 'name.familyName' }, ['bjensen', 'JSmith', quoter]],
    [{ sortBy: `${countersign}:approvalLimit`, sortOrder: 'descending' }, [quoter, 'JSmith', 'bjensen']],
    [{ sortBy: 'active' }, [quoter, 'bjensen', 'JSmith']],
    [{ sortBy: 'meta.created', sortOrder: 'descending' }, [quoter, 'JSmith', 'bjensen']],
    [{ sortBy: 'id' }, ['bjensen', 'JSmith', quoter]],
    [{ sortOrder: 'descending' }, ['bjensen', 'JSmith', quoter]],
  ])('§3.4.2.3 sorts by %j', async (query, expected) => {
    expect(await names('/Users', query)).toEqual(expected);
  });

  it.each<Record<string, string>>([
    { sortBy: 'nothing' },
    { sortBy: 'name' },
    { sortBy: 't.id; DROP TABLE user_; --' },
    { sortBy: '__proto__' },
    { sortBy: 'userName', sortOrder: 'sideways' },
  ])('§3.4.2.3 refuses to sort by %j', async (query) => {
    const answer = await scim.call('GET', `/Users?${new URLSearchParams(query).toString()}`);
    expect(answer.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  });

  it('§3.4.2.4 pages through a sorted list without a gap', async () => {
    const seen: unknown[] = [];
    for (let startIndex = 1; ;) {
      const page = await scim.list('/Users', { sortBy: 'userName', startIndex: `${startIndex}`, count: '2' });
      expect(page).toMatchObject({ totalResults: 3, startIndex });
      seen.push(...page.Resources.map(({ userName }) => userName));
      if (page.itemsPerPage === 0) break;
      startIndex += page.itemsPerPage;
    }
    expect(seen).toEqual(['bjensen', quoter, 'JSmith']);
  });

  it.each([
    [
      { startIndex: '0', count: '1' },
      { startIndex: 1, itemsPerPage: 1, totalResults: 3 },
    ],
    [
      { startIndex: '-5', count: '1' },
      { startIndex: 1, itemsPerPage: 1 },
    ],
    [{ count: '0' }, { itemsPerPage: 0, totalResults: 3, Resources: [] }],
    [{ count: '-1' }, { itemsPerPage: 0, totalResults: 3 }],
    [{ count: '999999' }, { itemsPerPage: 3 }],
    [{ startIndex: '4' }, { itemsPerPage: 0, totalResults: 3, startIndex: 4 }],
  ])('§3.4.2.4 pages with %j', async (query, expected) => {
    expect(await scim.list('/Users', query)).toMatchObject(expected);
  });

  it('§3.4.2.1 lists users and groups together from the root', async () => {
    const all = await scim.list('');
    expect(all.totalResults).toBe(5);
    expect(new Set(all.Resources.map(({ meta }) => meta.resourceType))).toEqual(new Set(['User', 'Group']));
    expect(await names('', { filter: 'meta.resourceType eq "Group"', sortBy: 'displayName' })).toEqual([
      'Smith Family',
      'Tour Guides',
    ]);
    // What a type does not have is without a value.
    expect(await names('', { filter: 'userName pr', sortBy: 'userName' })).toEqual([
      'bjensen',
      quoter,
      'JSmith',
    ]);
    expect(await names('', { filter: 'not (userName pr) and members pr' })).toHaveLength(2);
    const page = await scim.list('', {
      sortBy: 'meta.created',
      sortOrder: 'descending',
      startIndex: '2',
      count: '2',
    });
    expect(page).toMatchObject({ totalResults: 5, itemsPerPage: 2 });
    expect(page.Resources.map(({ displayName }) => displayName)).toEqual(['Smith Family', 'ångström']);
    expect((await scim.call('GET', '?filter=nothing%20pr')).body).toMatchObject({
      scimType: 'invalidFilter',
    });
  });

  describe('§3.4.3 querying with POST', () => {
    const search = (path: string, body: Record<string, unknown>) =>
      scim.call<ScimList & { scimType?: string }>('POST', `${path}/.search`, {
        schemas: [urns.search],
        ...body,
      });

    it('takes the example of the RFC at the root', async () => {
      const answer = await search('', {
        attributes: ['displayName', 'userName'],
        filter: 'displayName sw "smith"',
        startIndex: 1,
        count: 10,
      });
      expect(answer.body).toEqual({
        schemas: [urns.list],
        totalResults: 2,
        itemsPerPage: 2,
        startIndex: 1,
        Resources: expect.any(Array),
      });
      expect(answer.body.Resources).toEqual(
        expect.arrayContaining([
          { schemas: expect.any(Array), id: ids.JSmith, userName: 'JSmith', displayName: 'Smith, James' },
          { schemas: expect.any(Array), id: ids.family, displayName: 'Smith Family' },
        ]),
      );
    });

    it('answers like GET below Users and Groups', async () => {
      const query = { filter: 'active eq true', sortBy: 'userName', sortOrder: 'descending', count: 1 };
      const posted = await search('/Users', { ...query, excludedAttributes: 'emails' });
      expect(posted.body).toEqual(
        await scim.list('/Users', { ...query, count: '1', excludedAttributes: 'emails' }),
      );
      expect((await search('/Groups', {})).body).toEqual(await scim.list('/Groups'));
    });

    it.each([
      ['no schemas', { schemas: undefined }, 'invalidSyntax'],
      ['a filter that is no string', { filter: 7 }, 'invalidValue'],
      ['a count that is no number', { count: 'many' }, 'invalidValue'],
      ['attributes that are no names', { attributes: [7] }, 'invalidValue'],
      ['a bad filter', { filter: 'x' }, 'invalidFilter'],
    ])('refuses %s', async (_, body, scimType) => {
      expect((await search('/Users', body)).body).toMatchObject({ status: '400', scimType });
    });

    it('is for keys with directory:read', async () => {
      const body = { schemas: [urns.search] };
      for (const path of ['', '/Users', '/Groups']) {
        const refused = await scim.call('POST', `${path}/.search`, body, { scopes: ['directory:write'] });
        const served = await scim.call('POST', `${path}/.search`, body, { scopes: ['directory:read'] });
        expect([refused.status, served.status]).toEqual([403, 200]);
      }
    });
  });

  describe('§3.9 attributes and excludedAttributes', () => {
    it.each([
      ['userName', { userName: 'bjensen' }],
      ['USERNAME', { userName: 'bjensen' }],
      [`${urns.user}:userName`, { userName: 'bjensen' }],
      ['name.givenName', { name: { givenName: 'Barbara' } }],
      ['emails.type', { emails: [{ type: 'work' }, { type: 'home' }] }],
      [`${enterprise}:department`, { [enterprise]: { department: 'Sales' } }],
      [enterprise, { [enterprise]: { department: 'Sales', employeeNumber: '7' } }],
      ['nothing', {}],
      ['meta.resourceType', { meta: { resourceType: 'User' } }],
    ])('answers with %s, and what is always returned', async (attributes, expected) => {
      const answer = await scim.call('GET', `/Users/${ids.bjensen}?attributes=${attributes}`);
      expect(answer.body).toEqual({ schemas: expect.any(Array), id: ids.bjensen, ...expected });
      expect(answer.headers.get('etag')).toMatch(/^W\//);
    });

    it('leaves out what is excluded, but not what is always returned', async () => {
      const answer = await scim.call('GET', `/Users/${ids.bjensen}?excludedAttributes=id,emails.type,name`);
      expect(answer.body.id).toBe(ids.bjensen);
      expect(answer.body).not.toHaveProperty('name');
      expect(answer.body.emails).toEqual([
        { value: 'bjensen@example.com', primary: true },
        { value: 'babs@jensen.org' },
      ]);
    });

    it('applies to POST and PUT', async () => {
      const created = await scim.call('POST', '/Users?attributes=userName', { userName: 'projected' });
      expect(created.body).toEqual({ schemas: [urns.user], id: created.body.id, userName: 'projected' });
      const put = await scim.call('PUT', `/Users/${created.body.id}?excludedAttributes=meta`, {
        userName: 'projected',
      });
      expect(put.body).not.toHaveProperty('meta');
      expect((await scim.call('DELETE', `/Users/${created.body.id}`)).status).toBe(204);
    });

    it('refuses both at once, and too many', async () => {
      const both = await scim.call('GET', '/Users?attributes=id&excludedAttributes=name');
      expect(both.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
      const many = await scim.call('GET', `/Users?attributes=${'a,'.repeat(300)}`);
      expect(many.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
    });
  });

  it('§3.4.2.2 finds people by the addresses that they have now, whatever their case and length', async () => {
    const long = (last: string) => `${'x'.repeat(300)}${last}@long.test`;
    const found = (filter: string) => names('/Users', { filter });
    const person = await scim.user('mails', {
      emails: [
        { value: 'Old@Mails.test', type: 'work' },
        { value: long('a'), type: 'home' },
        { type: 'other' },
      ],
    });
    await scim.user('other mails', {
      emails: [{ value: long('b') }, { value: 'OLD@mails.test', type: 'home' }],
    });
    expect(await found('emails eq "old@MAILS.test"')).toEqual(['mails', 'other mails']);
    expect(await found('emails[type eq "work"].value eq "old@mails.test"')).toEqual(['mails']);
    expect(
      await found('emails[type eq "work" or value eq "old@mails.test"] and userName co "mails"'),
    ).toEqual(['mails', 'other mails']);
    expect(await found('userName co "mails" and not (emails.value eq "old@mails.test")')).toEqual([]);
    expect(await found('emails.type eq "other"')).toEqual(['mails']);
    expect(await found(`emails.value eq "${long('A')}"`)).toEqual(['mails']);
    expect(await found(`emails.value eq "${long('')}"`)).toEqual([]);
    await scim.patch(`/Users/${person.id}`, [
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'new@mails.test' },
    ]);
    expect(await found('emails eq "old@mails.test"')).toEqual(['other mails']);
    expect(await found('emails eq "new@mails.test"')).toEqual(['mails']);
    await scim.patch(`/Users/${person.id}`, [{ op: 'remove', path: 'emails' }]);
    expect(await found('emails eq "new@mails.test"')).toEqual([]);
    await scim.call('DELETE', `/Users/${person.id}`);
    expect(await service.rows('SELECT 1 FROM user_email WHERE user_id = $1', [person.id])).toEqual([]);
  });

  describe('§3.14 versioning', () => {
    it('§3.14 has weak tags in the header and in meta.version', async () => {
      const answer = await scim.call('GET', `/Users/${ids.bjensen}`);
      expect(answer.body.meta.version).toBe(answer.headers.get('etag'));
      expect(answer.body.meta.version).toMatch(/^W\/"\d+"$/);
    });

    it('§3.14 answers 304 to who has the version already', async () => {
      for (const path of [`/Users/${ids.bjensen}`, `/Groups/${ids.guides}`]) {
        const tag = (await scim.read(path)).meta.version;
        for (const known of [tag, `"x", ${tag}`, tag.slice(2), '*']) {
          const answer = await scim.call('GET', path, undefined, { headers: { 'if-none-match': known } });
          expect([known, answer.status, answer.body, answer.headers.get('etag')]).toEqual([
            known,
            304,
            null,
            tag,
          ]);
        }
        const other = await scim.call('GET', path, undefined, { headers: { 'if-none-match': 'W/"999"' } });
        expect(other.status).toBe(200);
      }
    });

    it.each(['PUT', 'PATCH', 'DELETE'])('§3.14 answers 412 to a %s of another version', async (method) => {
      const user = await scim.user(`${v7()}@version.test`);
      const group = await scim.group(`${v7()}`);
      for (const { meta } of [user, group]) {
        const path = meta.location.slice(meta.location.indexOf('/scim/v2') + '/scim/v2'.length);
        const body =
          method === 'PATCH'
            ? { schemas: [urns.patch], Operations: [{ op: 'replace', path: 'displayName', value: 'new' }] }
            : { userName: `${v7()}`, displayName: 'new' };
        const attempt = (headers: Record<string, string>) =>
          scim.call(method, path, method === 'DELETE' ? undefined : body, { headers });
        const wrong: Record<string, string>[] = [
          { 'if-match': 'W/"999"' },
          { 'if-match': 'x' },
          { 'if-none-match': meta.version },
        ];
        for (const headers of wrong) {
          const refused = await attempt(headers);
          expect(refused.body).toMatchObject({ schemas: [urns.error], status: '412' });
        }
        expect((await attempt({ 'if-match': `W/"999", ${meta.version}` })).status).toBeLessThan(300);
      }
    });
  });
});
