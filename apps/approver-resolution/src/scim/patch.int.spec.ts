import { v7 } from 'uuid';
import { ScimClient } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

const { enterprise, countersign } = urns;

describe('RFC 7644 §3.5.2 modifying with PATCH', () => {
  let service: TestService;
  let scim: ScimClient;
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
  });
  afterAll(() => service.stop());

  const aUser = async (more: Record<string, unknown> = {}) => scim.user(`${v7()}@patch.test`, more);
  const patched = async (id: string, ...operations: unknown[]) => {
    const answer = await scim.patch(`/Users/${id}`, operations);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  const refusal = async (id: string, ...operations: unknown[]) => {
    const { status, body } = await scim.patch(`/Users/${id}`, operations);
    return [status, body.scimType];
  };

  describe('the message', () => {
    it('§3.5.2 answers 200 with the whole resource and its new version', async () => {
      const user = await aUser();
      const answer = await scim.patch(`/Users/${user.id}`, [{ op: 'add', path: 'title', value: 'Head' }]);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('etag')).toBe('W/"2"');
      expect(answer.body).toMatchObject({ id: user.id, title: 'Head', userName: user.userName });
      expect(answer.body).toEqual(await scim.read(`/Users/${user.id}`));
    });

    it('§3.5.2 answers subject to the parameter attributes', async () => {
      const { id } = await aUser();
      const answer = await scim.patch(`/Users/${id}?attributes=title`, [
        { op: 'add', path: 'title', value: 'Head' },
      ]);
      expect(answer.body).toEqual({ schemas: expect.any(Array), id, title: 'Head' });
    });

    it.each([
      ['no schemas', { Operations: [{ op: 'add', path: 'title', value: 'x' }] }, 'invalidSyntax'],
      ['other schemas', { schemas: [urns.user], Operations: [] }, 'invalidSyntax'],
      ['no operations', { schemas: [urns.patch] }, 'invalidSyntax'],
      ['an empty list of operations', { schemas: [urns.patch], Operations: [] }, 'invalidSyntax'],
      ['an operation that is no object', { schemas: [urns.patch], Operations: [7] }, 'invalidSyntax'],
      [
        'an unknown op',
        { schemas: [urns.patch], Operations: [{ op: 'move', path: 'title' }] },
        'invalidSyntax',
      ],
      [
        'a path that is no string',
        { schemas: [urns.patch], Operations: [{ op: 'remove', path: 7 }] },
        'invalidPath',
      ],
      ['a list', [{ op: 'remove', path: 'title' }], 'invalidSyntax'],
    ])('§3.5.2 refuses %s', async (_, body, scimType) => {
      const { id } = await aUser();
      const answer = await scim.call('PATCH', `/Users/${id}`, body);
      expect(answer.body).toMatchObject({ schemas: [urns.error], status: '400', scimType });
    });

    it('§3.5.2 is atomic: one bad operation and nothing has happened', async () => {
      const user = await aUser({ title: 'Old' });
      expect(
        await refusal(
          user.id,
          { op: 'replace', path: 'title', value: 'New' },
          { op: 'replace', path: 'emails[type eq "work"].value', value: 'x' },
        ),
      ).toEqual([400, 'noTarget']);
      expect(await scim.read(`/Users/${user.id}`)).toEqual(user);
    });

    it('§3.5.2 applies operations in the order in which they are given', async () => {
      const { id } = await aUser();
      const user = await patched(
        id,
        { op: 'add', path: 'title', value: 'One' },
        { op: 'remove', path: 'title' },
        { op: 'add', path: 'title', value: 'Two' },
        { op: 'add', path: 'emails', value: [{ value: 'a@x', type: 'work' }] },
        { op: 'replace', path: 'emails[type eq "work"].value', value: 'b@x' },
      );
      expect(user).toMatchObject({ title: 'Two', emails: [{ value: 'b@x', type: 'work' }] });
    });

    it('§3.14 is guarded by If-Match', async () => {
      const { id } = await aUser();
      const operations = [{ op: 'add', path: 'title', value: 'Head' }];
      const stale = await scim.patch(`/Users/${id}`, operations, { headers: { 'if-match': 'W/"7"' } });
      expect(stale.body).toMatchObject({ status: '412' });
      const good = await scim.patch(`/Users/${id}`, operations, { headers: { 'if-match': 'W/"7", W/"1"' } });
      expect(good.status).toBe(200);
    });

    it('answers 404 for a user who is not there, whatever the body', async () => {
      expect((await scim.patch(`/Users/${v7()}`, 7)).status).toBe(404);
      expect((await scim.patch('/Users/no-uuid', 7)).status).toBe(404);
    });
  });

  describe('§3.5.2.1 add', () => {
    it('adds attributes of the value when there is no path', async () => {
      const { id } = await aUser({ emails: [{ value: 'old@x' }] });
      const user = await patched(id, {
        op: 'add',
        value: { emails: [{ value: 'babs@jensen.org', type: 'home' }], nickname: 'Babs' },
      });
      expect(user).toMatchObject({
        nickName: 'Babs',
        emails: [{ value: 'old@x' }, { value: 'babs@jensen.org', type: 'home' }],
      });
    });

    it('adds an attribute that is not there', async () => {
      const { id } = await aUser();
      expect(await patched(id, { op: 'add', path: 'name.familyName', value: 'Jensen' })).toMatchObject({
        name: { familyName: 'Jensen' },
        displayName: 'Jensen',
      });
    });

    it('adds sub-attributes to a complex attribute and leaves the others', async () => {
      const { id } = await aUser({ name: { familyName: 'A', givenName: 'B' } });
      const user = await patched(id, {
        op: 'add',
        path: 'name',
        value: { familyName: 'C', middleName: 'D' },
      });
      expect(user.name).toEqual({ familyName: 'C', givenName: 'B', middleName: 'D' });
    });

    it('adds a value to a multi-valued attribute', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x' }] });
      expect(await patched(id, { op: 'add', path: 'emails', value: { value: 'b@x' } })).toMatchObject({
        emails: [{ value: 'a@x' }, { value: 'b@x' }],
      });
    });

    it('replaces a single value', async () => {
      const { id } = await aUser({ title: 'Old' });
      expect(await patched(id, { op: 'add', path: 'title', value: 'New' })).toMatchObject({ title: 'New' });
    });

    it('changes nothing, and no version, when the value is there already', async () => {
      const user = await aUser({ title: 'Head', emails: [{ value: 'a@x', type: 'work', primary: true }] });
      const again = await patched(
        user.id,
        { op: 'add', path: 'title', value: 'Head' },
        { op: 'add', path: 'emails', value: [{ value: 'a@x', type: 'work' }] },
        { op: 'add', value: { emails: [{ value: 'a@x', primary: true }] } },
      );
      expect(again).toEqual(user);
      const told = (await service.sent('directory.changed.v1')).flatMap(({ data }) => data.people);
      expect(told.filter(({ id }) => id === user.id)).toHaveLength(1);
    });

    it('merges into the values that a filter selects', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x', type: 'work' }, { value: 'b@x' }] });
      const user = await patched(id, {
        op: 'add',
        path: 'emails[type eq "work"]',
        value: { display: 'At work' },
      });
      expect(user.emails).toEqual([{ value: 'a@x', type: 'work', display: 'At work' }, { value: 'b@x' }]);
    });

    it('makes the value that a filter of equalities describes when there is none', async () => {
      const { id } = await aUser();
      const user = await patched(
        id,
        { op: 'add', path: 'emails[type eq "work"].value', value: 'a@x' },
        { op: 'add', path: 'phoneNumbers[type eq "mobile" and primary eq true].value', value: '555' },
      );
      expect(user).toMatchObject({
        emails: [{ value: 'a@x', type: 'work' }],
        phoneNumbers: [{ value: '555', type: 'mobile', primary: true }],
      });
      expect(await refusal(id, { op: 'add', path: 'emails[type sw "h"].value', value: 'x' })).toEqual([
        400,
        'noTarget',
      ]);
    });
  });

  describe('§3.5.2.2 remove', () => {
    it('fails with noTarget without a path', async () => {
      const { id } = await aUser();
      expect(await refusal(id, { op: 'remove' })).toEqual([400, 'noTarget']);
      expect(await refusal(id, { op: 'remove', value: { title: 'x' } })).toEqual([400, 'noTarget']);
    });

    it('removes a single value, a sub-attribute, and a complex attribute that nothing is left of', async () => {
      const { id } = await aUser({ title: 'T', name: { familyName: 'A', givenName: 'B' } });
      const once = await patched(
        id,
        { op: 'remove', path: 'title' },
        { op: 'remove', path: 'name.givenName' },
      );
      expect(once).not.toHaveProperty('title');
      expect(once.name).toEqual({ familyName: 'A' });
      expect(await patched(id, { op: 'remove', path: 'name.familyName' })).not.toHaveProperty('name');
    });

    it('removes all values of a multi-valued attribute', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x' }, { value: 'b@x' }] });
      expect(await patched(id, { op: 'remove', path: 'emails' })).not.toHaveProperty('emails');
    });

    it('removes the values that a filter selects, and the attribute with the last of them', async () => {
      const { id } = await aUser({
        emails: [
          { value: 'a@example.com', type: 'work' },
          { value: 'b@other.test', type: 'work' },
        ],
      });
      const path = 'emails[type eq "work" and value ew "example.com"]';
      expect((await patched(id, { op: 'remove', path })).emails).toEqual([
        { value: 'b@other.test', type: 'work' },
      ]);
      expect(await patched(id, { op: 'remove', path: 'emails[type eq "work"]' })).not.toHaveProperty(
        'emails',
      );
    });

    it('removes a sub-attribute of the values that a filter selects', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x', type: 'work', display: 'A' }] });
      expect((await patched(id, { op: 'remove', path: 'emails[type eq "work"].display' })).emails).toEqual([
        { value: 'a@x', type: 'work' },
      ]);
    });

    it('succeeds when there is nothing to remove', async () => {
      const user = await aUser();
      expect(
        await patched(
          user.id,
          { op: 'remove', path: 'title' },
          { op: 'remove', path: 'emails[type eq "work"]' },
          { op: 'remove', path: `${enterprise}:manager` },
        ),
      ).toEqual(user);
    });

    it('refuses to remove what is required or readOnly: mutability', async () => {
      const { id } = await aUser();
      expect(await refusal(id, { op: 'remove', path: 'userName' })).toEqual([400, 'mutability']);
      expect(await refusal(id, { op: 'remove', path: 'groups' })).toEqual([400, 'mutability']);
      expect(await refusal(id, { op: 'remove', path: 'meta' })).toEqual([400, 'mutability']);
    });
  });

  describe('§3.5.2.3 replace', () => {
    it('replaces the attributes of the value when there is no path', async () => {
      const { id } = await aUser({ emails: [{ value: 'old@x' }], title: 'Stays' });
      const user = await patched(id, {
        op: 'replace',
        value: {
          emails: [
            { value: 'bjensen@example.com', type: 'work', primary: true },
            { value: 'babs@jensen.org', type: 'home' },
          ],
          nickname: 'Babs',
        },
      });
      expect(user).toMatchObject({ title: 'Stays', nickName: 'Babs' });
      expect(user.emails).toEqual([
        { value: 'bjensen@example.com', type: 'work', primary: true },
        { value: 'babs@jensen.org', type: 'home' },
      ]);
    });

    it('leaves sub-attributes of a complex attribute that it does not name', async () => {
      const { id } = await aUser({ name: { familyName: 'A', givenName: 'B' } });
      expect((await patched(id, { op: 'replace', path: 'name', value: { familyName: 'C' } })).name).toEqual({
        familyName: 'C',
        givenName: 'B',
      });
    });

    it('treats what is not there as an add', async () => {
      const { id } = await aUser();
      const user = await patched(
        id,
        { op: 'replace', path: 'title', value: 'Head' },
        { op: 'replace', path: 'name.givenName', value: 'Ann' },
        { op: 'replace', path: 'emails', value: [{ value: 'a@x' }] },
      );
      expect(user).toMatchObject({ title: 'Head', name: { givenName: 'Ann' }, emails: [{ value: 'a@x' }] });
    });

    it('replaces the whole values that a filter selects', async () => {
      const { id } = await aUser({
        addresses: [
          { type: 'work', streetAddress: 'Old', country: 'US', primary: true },
          { type: 'home', streetAddress: 'Home' },
        ],
      });
      const user = await patched(id, {
        op: 'replace',
        path: 'addresses[type eq "work"]',
        value: { type: 'work', streetAddress: '911 Universal City Plaza' },
      });
      expect(user.addresses).toEqual([
        { type: 'work', streetAddress: '911 Universal City Plaza' },
        { type: 'home', streetAddress: 'Home' },
      ]);
    });

    it('replaces a sub-attribute of the values that a filter selects', async () => {
      const { id } = await aUser({ addresses: [{ type: 'work', streetAddress: 'Old', country: 'US' }] });
      const user = await patched(id, {
        op: 'replace',
        path: 'addresses[type eq "work"].streetAddress',
        value: '1010 Broadway Ave',
      });
      expect(user.addresses).toEqual([{ type: 'work', streetAddress: '1010 Broadway Ave', country: 'US' }]);
    });

    it('replaces a sub-attribute of every value when there is no filter', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x' }, { value: 'b@x', type: 'home' }] });
      expect((await patched(id, { op: 'replace', path: 'emails.type', value: 'work' })).emails).toEqual([
        { value: 'a@x', type: 'work' },
        { value: 'b@x', type: 'work' },
      ]);
    });

    it('fails with noTarget when a filter selects no value', async () => {
      const { id } = await aUser({ emails: [{ value: 'a@x', type: 'home' }] });
      expect(
        await refusal(id, { op: 'replace', path: 'emails[type eq "work"]', value: { value: 'x' } }),
      ).toEqual([400, 'noTarget']);
      expect(await refusal(id, { op: 'replace', path: 'emails[type eq "work"].value', value: 'x' })).toEqual([
        400,
        'noTarget',
      ]);
    });

    it('clears with null what is not required', async () => {
      const { id } = await aUser({ title: 'T', emails: [{ value: 'a@x' }], name: { givenName: 'A' } });
      const user = await patched(
        id,
        { op: 'replace', path: 'title', value: null },
        { op: 'replace', value: { emails: null, name: { givenName: null, familyName: 'B' } } },
      );
      expect(user).not.toHaveProperty('title');
      expect(user).not.toHaveProperty('emails');
      expect(user.name).toEqual({ familyName: 'B' });
      expect(await refusal(id, { op: 'replace', path: 'userName', value: null })).toEqual([
        400,
        'invalidValue',
      ]);
    });
  });

  it.each([
    ['add', 'emails', { value: 'new@x', primary: true }],
    ['add', 'emails[value eq "b@x"].primary', true],
    ['replace', 'emails[value eq "b@x"].primary', 'True'],
    ['replace', 'emails[value eq "b@x"]', { value: 'b@x', primary: true }],
  ])('§3.5.2 makes other values not primary when %s %s makes one', async (op, path, value) => {
    const { id } = await aUser({ emails: [{ value: 'a@x', primary: true }, { value: 'b@x' }] });
    const { emails } = await patched(id, { op, path, value });
    const preferred = (emails as { value: string; primary?: boolean }[]).filter(({ primary }) => primary);
    expect(preferred.map((one) => one.value)).toEqual([op === 'add' && path === 'emails' ? 'new@x' : 'b@x']);
  });

  it('RFC 7643 §2.4 has primary true once at most', async () => {
    const two = [
      { value: 'a@x', primary: true },
      { value: 'b@x', primary: true },
    ];
    const { id } = await aUser();
    expect(await refusal(id, { op: 'add', path: 'emails', value: two })).toEqual([400, 'invalidValue']);
    const created = await scim.call('POST', '/Users', { userName: 'two@patch.test', emails: two });
    expect(created.body).toMatchObject({ status: '400', scimType: 'invalidValue' });
  });

  it.each([
    ['emails[type eq', 'invalidPath'],
    ['emails[type eq "work"]]', 'invalidFilter'],
    ['emails[].value', 'invalidFilter'],
    ['emails[type zz "work"]', 'invalidFilter'],
    ['emails[nothing eq "work"]', 'invalidFilter'],
    ['emails[type[x eq 1]]', 'invalidPath'],
    ['emails[primary gt true]', 'invalidFilter'],
    ['title[value eq "x"]', 'invalidPath'],
    ['name[value eq "x"]', 'invalidPath'],
    ['nothing', 'invalidPath'],
    ['name.nothing', 'invalidPath'],
    ['emails.value.value', 'invalidPath'],
    ['constructor', 'invalidPath'],
    ['__proto__', 'invalidPath'],
    ['name.__proto__', 'invalidPath'],
    ['urn:x:title', 'invalidPath'],
    [`${enterprise}:nothing`, 'invalidPath'],
    [`emails[type eq "${'x'.repeat(2_000)}"]`, 'invalidPath'],
    ['"title"', 'invalidPath'],
    ['.', 'invalidPath'],
    [`emails[${'('.repeat(40)}type pr${')'.repeat(40)}]`, 'OK'],
    [`emails[${'not ('.repeat(40)}type pr${')'.repeat(40)}]`, 'invalidFilter'],
  ])('§3.5.2 reads the path %s: %s', async (path, scimType) => {
    const { id } = await aUser({ emails: [{ value: 'a@x' }] });
    const [status, type] = await refusal(id, { op: 'remove', path });
    expect(status === 200 ? 'OK' : type).toBe(scimType);
  });

  it.each([
    ['a readOnly attribute', { op: 'replace', path: 'id', value: v7() }, 'mutability'],
    ['a readOnly list', { op: 'add', path: 'groups', value: [{ value: 'x' }] }, 'mutability'],
    [
      'a readOnly sub-attribute',
      { op: 'add', path: `${enterprise}:manager.displayName`, value: 'x' },
      'mutability',
    ],
    ['a value of another type', { op: 'add', path: 'title', value: 7 }, 'invalidValue'],
    ['an unclear boolean', { op: 'add', path: 'active', value: 'perhaps' }, 'invalidValue'],
    ['a text where an object belongs', { op: 'add', path: 'name', value: 'Ann' }, 'invalidValue'],
    ['an unknown manager', { op: 'add', path: `${enterprise}:manager`, value: 'nobody' }, 'invalidValue'],
    ['a negative limit', { op: 'add', path: `${countersign}:approvalLimit`, value: -1 }, 'invalidValue'],
    ['no value', { op: 'add', path: 'title' }, 'invalidValue'],
    ['no value and no path', { op: 'replace' }, 'invalidValue'],
    ['a value that is no object, without a path', { op: 'add', value: 'x' }, 'invalidValue'],
    [
      'more values than there may be',
      { op: 'add', path: 'emails', value: Array.from({ length: 101 }, (_, n) => ({ value: `${n}` })) },
      'invalidValue',
    ],
  ])('§3.12 refuses %s', async (_, operation, scimType) => {
    const user = await aUser();
    expect(await refusal(user.id, operation)).toEqual([400, scimType]);
    expect(await scim.read(`/Users/${user.id}`)).toEqual(user);
  });

  it('§3.12 refuses a userName that somebody has: 409 uniqueness', async () => {
    const [ann, ben] = [await aUser(), await aUser()];
    const answer = await scim.patch(`/Users/${ann.id}`, [
      { op: 'replace', path: 'userName', value: ben.userName },
    ]);
    expect(answer.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
  });

  it('§3.10 takes paths qualified by the URN of a schema', async () => {
    const boss = await aUser();
    const { id } = await aUser();
    const user = await patched(
      id,
      { op: 'add', path: `${urns.user}:title`, value: 'Head' },
      { op: 'add', path: `${urns.user.toUpperCase()}:NAME.familyname`, value: 'Jensen' },
      { op: 'add', path: `${urns.user}:emails[type eq "work"].value`, value: 'a@x' },
      { op: 'add', path: `${enterprise}:department`, value: 'IT' },
      { op: 'add', path: `${enterprise}:manager.value`, value: boss.id },
      { op: 'add', path: `${countersign}:approvalLimit`, value: 5_000 },
      { op: 'add', path: `${countersign}:outOfOffice.from`, value: '2026-01-01T00:00:00Z' },
      { op: 'add', path: `${countersign}:outOfOffice.to`, value: '2026-01-08T00:00:00Z' },
    );
    expect(user).toMatchObject({
      schemas: [urns.user, enterprise, countersign],
      title: 'Head',
      name: { familyName: 'Jensen' },
      emails: [{ type: 'work', value: 'a@x' }],
      [enterprise]: { department: 'IT', manager: { value: boss.id } },
      [countersign]: {
        approvalLimit: 5_000,
        outOfOffice: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-08T00:00:00.000Z' },
      },
    });
  });

  describe('an absence', () => {
    const [from, to] = ['2026-01-01T00:00:00Z', '2026-01-08T00:00:00Z'];
    const part = (name: string, value: unknown) => ({
      op: 'Add',
      path: `${countersign}:outOfOffice.${name}`,
      value,
    });
    const refused = [400, 'invalidValue'];

    it('may be said piece by piece, as Entra ID does, when it is whole at the end', async () => {
      const [ben, { id }] = [await aUser(), await aUser()];
      const user = await patched(id, part('delegate', ben.userName), part('to', to), part('from', from));
      expect(user[countersign]).toEqual({
        outOfOffice: {
          from: '2026-01-01T00:00:00.000Z',
          to: '2026-01-08T00:00:00.000Z',
          delegate: ben.userName,
        },
      });
      // Both move past the old end, the beginning first.
      await patched(id, part('from', '2026-03-01T00:00:00Z'), part('to', '2026-03-08T00:00:00Z'));
      const gone = await patched(id, { op: 'remove', path: `${countersign}:outOfOffice` });
      expect(gone).not.toHaveProperty([countersign]);
    });

    it('is refused when it is not whole at the end, or names a delegate who cannot stand in', async () => {
      const { id, userName } = await aUser();
      expect(await refusal(id, part('delegate', (await aUser()).id))).toEqual(refused);
      expect(await refusal(id, part('from', from))).toEqual(refused);
      expect(await refusal(id, part('from', to), part('to', from))).toEqual(refused);
      const whole = [part('from', from), part('to', to)];
      expect(await refusal(id, ...whole, part('delegate', 'nobody@patch.test'))).toEqual(refused);
      expect(await refusal(id, ...whole, part('delegate', userName))).toEqual(refused);
      await patched(id, ...whole);
      expect(await refusal(id, { op: 'remove', path: `${countersign}:outOfOffice.to` })).toEqual(refused);
    });

    it('whose delegate has gone hinders no other change', async () => {
      const [ben, { id }] = [await aUser(), await aUser()];
      await patched(id, part('from', from), part('to', to), part('delegate', ben.userName));
      await scim.call('DELETE', `/Users/${ben.id}`);
      expect((await patched(id, { op: 'add', path: 'title', value: 'Head' })).title).toBe('Head');
      expect(await refusal(id, part('to', '2026-02-01T00:00:00Z'))).toEqual(refused);
    });
  });

  it('takes a number as text, as Entra ID sends extension attributes', async () => {
    const { id } = await aUser();
    const limit = (value: unknown) => ({ op: 'Replace', path: `${countersign}:approvalLimit`, value });
    expect((await patched(id, limit('500')))[countersign]).toEqual({ approvalLimit: 500 });
    expect(await refusal(id, limit('abc'))).toEqual([400, 'invalidValue']);
  });

  it('§3.5.2 takes an extension as a whole', async () => {
    const { id } = await aUser({ [enterprise]: { department: 'IT', division: 'X' } });
    const merged = await patched(id, { op: 'replace', path: enterprise, value: { department: 'HR' } });
    expect(merged[enterprise]).toEqual({ department: 'HR', division: 'X' });
    const named = await patched(id, { op: 'add', value: { [enterprise]: { costCenter: '7', unknown: 1 } } });
    expect(named[enterprise]).toEqual({ department: 'HR', division: 'X', costCenter: '7' });
    const gone = await patched(id, { op: 'remove', path: enterprise });
    expect(gone).not.toHaveProperty([enterprise]);
    expect(gone.schemas).toEqual([urns.user]);
  });

  it('§3.3 ignores attributes in a value without a path that are unknown or readOnly', async () => {
    const user = await aUser();
    const same = await patched(user.id, {
      op: 'replace',
      value: {
        id: v7(),
        meta: { version: 'x' },
        schemas: ['urn:x'],
        groups: [{ value: 'x' }],
        password: 'secret',
        favouriteColour: 'blue',
        constructor: { prototype: { polluted: true } },
        'name.__proto__x': 1,
      },
    });
    expect(same).toEqual(user);
    expect({}).not.toHaveProperty('polluted');
  });

  it('refuses __proto__ anywhere', async () => {
    const { id } = await aUser();
    const text = `{"schemas":["${urns.patch}"],"Operations":[{"op":"add","value":{"__proto__":{"active":false}}}]}`;
    const answer = await scim.call('PATCH', `/Users/${id}`, undefined, { text });
    expect(answer.body).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
  });

  it('carries out a thousand operations on a user, and refuses more', async () => {
    const { id } = await aUser();
    const user = await patched(
      id,
      ...Array.from({ length: 1_000 }, (_, n) => ({
        op: 'add',
        path: 'emails',
        value: { value: `${n % 100}@x` },
      })),
    );
    expect(user.emails).toHaveLength(100);
    const tooMany = Array.from({ length: 1_001 }, () => ({ op: 'remove', path: 'title' }));
    expect((await scim.patch(`/Users/${id}`, tooMany)).body).toMatchObject({ status: '413' });
  }, 20_000);

  it('tells routing exactly as a PUT does', async () => {
    const boss = await aUser();
    const { id } = await aUser();
    await patched(
      id,
      { op: 'add', value: { 'emails[type eq "work"].value': 'work@x' } },
      {
        op: 'replace',
        value: {
          active: false,
          externalId: 'ext-1',
          [`${enterprise}:department`]: 'IT',
          [`${enterprise}:manager`]: { value: boss.id },
          [`${countersign}:approvalLimit`]: 7,
          [`${countersign}:region`]: 'EMEA',
        },
      },
    );
    const last = (await service.sent('directory.changed.v1')).at(-1);
    expect(last?.queues).toEqual(['audit', 'intake', 'notification', 'routing']);
    expect(last?.data.people).toMatchObject([
      {
        id,
        active: false,
        externalId: 'ext-1',
        department: 'IT',
        manager: boss.id,
        approvalLimit: 7,
        region: 'EMEA',
        email: 'work@x',
        version: 2,
      },
    ]);
    const roles = await patched(id, { op: 'add', path: 'roles', value: [{ value: 'Signer' }] });
    expect(roles.roles).toEqual([{ value: 'Signer' }]);
    expect(await service.rows('SELECT role_key FROM user_role WHERE user_id = $1', [id])).toEqual([
      { role_key: 'signer' },
    ]);
  });

  it('loses nothing when twenty clients patch the same user at once', async () => {
    const { id } = await aUser();
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        patched(id, { op: 'add', path: 'emails', value: { value: `${n}@x` } }),
      ),
    );
    const { emails, meta } = await scim.read(`/Users/${id}`);
    expect(emails).toHaveLength(20);
    expect(meta.version).toBe('W/"21"');
  });

  it('is for keys with directory:write, in their own workspace', async () => {
    const { id } = await aUser();
    const operations = [{ op: 'add', path: 'title', value: 'x' }];
    expect((await scim.patch(`/Users/${id}`, operations, { scopes: ['directory:read'] })).status).toBe(403);
    expect((await new ScimClient(service, v7()).patch(`/Users/${id}`, operations)).status).toBe(404);
  });
});
