import { v7 } from 'uuid';
import { ScimClient, type ScimResource } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

describe('RFC 7644 §3.5.2 modifying groups with PATCH', () => {
  let service: TestService;
  let scim: ScimClient;
  let [ann, ben, cat] = ['', '', ''];
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
    ann = (await scim.user('ann@group.test', { displayName: 'Ann', externalId: 'ext-ann' })).id;
    ben = (await scim.user('ben@group.test', { displayName: 'Ben' })).id;
    cat = (await scim.user('cat@group.test', { displayName: 'Cat' })).id;
  });
  afterAll(() => service.stop());

  let made = 0;
  const aGroup = async (...members: string[]): Promise<ScimResource> =>
    scim.group(
      `group-${++made}`,
      members.map((value) => ({ value })),
    );
  const patched = async (id: string, ...operations: unknown[]) => {
    const answer = await scim.patch(`/Groups/${id}`, operations);
    if (answer.status !== 204) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
    return scim.members(id);
  };
  const refusal = async (id: string, ...operations: unknown[]) => {
    const { status, body } = await scim.patch(`/Groups/${id}`, operations);
    return [status, body.scimType];
  };
  const versionOf = async (id: string) => (await scim.read(`/Groups/${id}`)).meta.version;

  it('§3.5.2 answers 204 with the version, and 200 when attributes are asked for', async () => {
    const { id } = await aGroup();
    const add = [{ op: 'add', path: 'members', value: [{ value: ann }] }];
    const bare = await scim.patch(`/Groups/${id}`, add);
    expect([bare.status, bare.body, bare.headers.get('etag')]).toEqual([204, null, 'W/"2"']);
    const whole = await scim.patch(`/Groups/${id}?attributes=displayName,members`, [
      { op: 'add', path: 'members', value: [{ value: ben }] },
    ]);
    expect(whole.status).toBe(200);
    expect((whole.body.members as unknown[]).length).toBe(2);
    const name = await scim.patch(`/Groups/${id}?excludedAttributes=members`, add);
    expect(name.body).toMatchObject({ id, meta: { version: 'W/"3"' } });
    expect(name.body).not.toHaveProperty('members');
  });

  it('§3.5.2.1 adds members by id, externalId and userName, each once', async () => {
    const { id } = await aGroup(ann);
    expect(
      await patched(
        id,
        {
          op: 'add',
          path: 'members',
          value: [{ value: 'ext-ann' }, { value: 'BEN@group.test' }, { value: ben }],
        },
        { op: 'add', value: { members: [{ value: cat }, { value: cat, display: 'Cat' }] } },
        { op: 'add', path: `members[value eq "${cat}"]`, value: { display: 'x' } },
      ),
    ).toEqual([ann, ben, cat].sort());
    expect(await versionOf(id)).toBe('W/"2"');
  });

  it('§3.5.2.1 changes nothing, and no version, when they are members already', async () => {
    const group = await aGroup(ann, ben);
    await patched(group.id, { op: 'add', path: 'members', value: [{ value: ann }, { value: ben }] });
    expect(await scim.read(`/Groups/${group.id}`)).toEqual(group);
  });

  it('§3.5.2.2 removes one member, several, and all', async () => {
    const { id } = await aGroup(ann, ben, cat);
    expect(await patched(id, { op: 'remove', path: `members[value eq "${ann}"]` })).toEqual(
      [ben, cat].sort(),
    );
    expect(
      await patched(id, { op: 'remove', path: `members[value eq "${ben}" or value eq "${ann}"]` }),
    ).toEqual([cat]);
    expect(await patched(id, { op: 'remove', path: 'members' })).toEqual([]);
  });

  it('§3.5.2.2 removes members that any other filter selects', async () => {
    const { id } = await aGroup(ann, ben, cat);
    expect(await patched(id, { op: 'remove', path: 'members[display sw "b"]' })).toEqual([ann, cat].sort());
    expect(
      await patched(id, { op: 'remove', path: `members[not (value eq "${cat}") and type eq "user"]` }),
    ).toEqual([cat]);
  });

  it('§3.5.2.2 succeeds when nobody is there to be removed', async () => {
    const group = await aGroup(ann);
    await patched(
      group.id,
      { op: 'remove', path: `members[value eq "${v7()}"]` },
      { op: 'remove', path: 'members', value: [{ value: 'nobody@group.test' }] },
      { op: 'remove', path: 'members[display eq "Nobody"]' },
    );
    expect(await scim.read(`/Groups/${group.id}`)).toEqual(group);
  });

  it('§3.5.2.2 removes and adds in one request', async () => {
    const { id } = await aGroup(ann, ben);
    expect(
      await patched(
        id,
        { op: 'remove', path: `members[value eq"${ann}"]` },
        { op: 'add', path: 'members', value: [{ display: 'Cat', value: cat }] },
      ),
    ).toEqual([ben, cat].sort());
  });

  it('§3.5.2.2 lets the later operation on the same member win, whatever it calls them', async () => {
    const { id } = await aGroup(ann);
    expect(
      await patched(
        id,
        { op: 'remove', path: `members[value eq "${ann}"]` },
        { op: 'add', path: 'members', value: [{ value: 'ext-ann' }] },
        { op: 'add', path: 'members', value: [{ value: ben }] },
        { op: 'remove', path: 'members[value eq "ben@group.test"]' },
      ),
    ).toEqual([ann]);
    expect(await versionOf(id)).toBe('W/"1"');
  });

  it('§3.5.2.3 replaces all members', async () => {
    const { id } = await aGroup(ann, ben);
    expect(
      await patched(id, { op: 'replace', path: 'members', value: [{ value: cat }, { value: ben }] }),
    ).toEqual([ben, cat].sort());
    expect(
      await patched(
        id,
        { op: 'remove', path: 'members' },
        { op: 'add', path: 'members', value: [{ value: ann }] },
      ),
    ).toEqual([ann]);
    expect(await patched(id, { op: 'replace', value: { members: [] } })).toEqual([]);
  });

  it('§3.5.2.3 replaces the members that a filter selects, or fails with noTarget', async () => {
    const { id } = await aGroup(ann, ben);
    expect(
      await patched(id, { op: 'replace', path: `members[value eq "${ann}"]`, value: { value: cat } }),
    ).toEqual([ben, cat].sort());
    expect(
      await refusal(id, { op: 'replace', path: `members[value eq "${ann}"]`, value: { value: cat } }),
    ).toEqual([400, 'noTarget']);
  });

  it('§3.5.2.3 replaces displayName and externalId', async () => {
    const { id } = await aGroup(ann);
    await patched(
      id,
      { op: 'replace', path: 'displayName', value: 'renamed' },
      { op: 'add', path: `${urns.group}:externalId`, value: 'g-7' },
    );
    expect(await scim.read(`/Groups/${id}`)).toMatchObject({ displayName: 'renamed', externalId: 'g-7' });
    await patched(id, { op: 'remove', path: 'externalId' });
    expect(await scim.read(`/Groups/${id}`)).not.toHaveProperty('externalId');
  });

  it.each([
    ['removing displayName', { op: 'remove', path: 'displayName' }, 'mutability'],
    ['clearing displayName', { op: 'replace', path: 'displayName', value: '' }, 'invalidValue'],
    ['a readOnly attribute', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    [
      'an immutable sub-attribute',
      { op: 'replace', path: 'members[type eq "User"].value', value: 'x' },
      'mutability',
    ],
    ['a readOnly sub-attribute', { op: 'replace', path: 'members.display', value: 'x' }, 'mutability'],
    ['an unknown attribute', { op: 'add', path: 'colour', value: 'x' }, 'invalidPath'],
    ['an unknown member', { op: 'add', path: 'members', value: [{ value: 'nobody' }] }, 'invalidValue'],
    ['a member without a value', { op: 'add', path: 'members', value: [{ display: 'x' }] }, 'invalidValue'],
    [
      'a member of an unknown type',
      { op: 'add', path: 'members', value: [{ value: 'x', type: 'Car' }] },
      'invalidValue',
    ],
    ['a filter that makes nobody', { op: 'add', path: 'members[display eq "x"]', value: {} }, 'noTarget'],
    ['a filter on nothing', { op: 'remove', path: 'members[colour eq "x"]' }, 'invalidFilter'],
    ['a filter without a value', { op: 'remove', path: 'members[value eq]' }, 'invalidFilter'],
    [
      'a filter that is SQL',
      { op: 'remove', path: `members[value eq "' OR true --"; DROP]` },
      'invalidFilter',
    ],
  ])('§3.12 refuses %s and leaves everything as it was', async (_, operation, scimType) => {
    const group = await aGroup(ann);
    expect(
      await refusal(group.id, { op: 'add', path: 'members', value: [{ value: ben }] }, operation),
    ).toEqual([400, scimType]);
    expect(await scim.read(`/Groups/${group.id}`)).toEqual(group);
  });

  it('tells of exactly those whose groups have changed', async () => {
    const { id, displayName } = await aGroup(ann, ben);
    const told = async () => (await service.sent('directory.changed.v1')).at(-1)?.data.people ?? [];
    await patched(
      id,
      { op: 'remove', path: `members[value eq "${ann}"]` },
      { op: 'add', path: 'members', value: [{ value: cat }, { value: ben }] },
    );
    const people = await told();
    expect(people.map((person) => person.id).sort()).toEqual([ann, cat].sort());
    expect(people.find((person) => person.id === cat)?.groups).toContain(displayName);
    expect(people.find((person) => person.id === ann)?.groups).not.toContain(displayName);
    await patched(id, { op: 'replace', path: 'displayName', value: 'told anew' });
    const renamed = await told();
    expect(renamed.map((person) => person.id).sort()).toEqual([ben, cat].sort());
    expect(renamed.every(({ groups }) => groups.includes('told anew'))).toBe(true);
    const before = (await service.sent('directory.changed.v1')).length;
    await patched(id, { op: 'add', path: 'externalId', value: 'x' });
    expect(await service.sent('directory.changed.v1')).toHaveLength(before);
  });

  it('loses nobody when many clients patch the same group at once', async () => {
    const people = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => (await scim.user(`many-${n}@group.test`)).id),
    );
    const { id } = await aGroup(...people.slice(10));
    await Promise.all(
      people.map((value, n) =>
        patched(
          id,
          n < 10
            ? { op: 'add', path: 'members', value: [{ value }] }
            : { op: 'remove', path: `members[value eq "${value}"]` },
        ),
      ),
    );
    expect(await scim.members(id)).toEqual(people.slice(0, 10).sort());
  });

  it('patches a group of 10,000 without touching those who stay', async () => {
    const workspaceId = v7();
    const other = new ScimClient(service, workspaceId);
    await service.rows(
      `INSERT INTO user_ (workspace_id, id, user_name, user_name_key, display_name, active, resource)
       SELECT $1, gen_random_uuid(), 'm' || n, 'm' || n, 'Member ' || n, true, '{}' FROM generate_series(1, 10001) n`,
      [workspaceId],
    );
    const { id } = await other.group('everybody');
    await service.rows(
      `INSERT INTO membership (workspace_id, group_id, user_id)
       SELECT $1, $2, id FROM user_ WHERE workspace_id = $1 AND user_name <> 'm10001'`,
      [workspaceId, id],
    );
    const rows = () =>
      service.rows<{ user_id: string; xmin: string }>(
        'SELECT user_id, xmin::text FROM membership WHERE group_id = $1 ORDER BY user_id',
        [id],
      );
    const before = await rows();
    const told = (await service.sent('directory.changed.v1')).length;
    const start = Date.now();
    for (const operation of [
      { op: 'add', path: 'members', value: [{ value: 'm10001' }] },
      { op: 'remove', path: 'members[value eq "m10001"]' },
      { op: 'Add', path: 'members', value: [{ value: 'm10001' }, { value: 'm1' }] },
      { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'm10001' }] },
    ]) {
      expect((await other.patch(`/Groups/${id}`, [operation])).status).toBe(204);
    }
    expect(Date.now() - start).toBeLessThan(2_000);
    expect(await rows()).toEqual(before);
    const changes = (await service.sent('directory.changed.v1')).slice(told);
    expect(changes.map(({ data }) => data.people.map(({ userName }) => userName))).toEqual(
      Array.from({ length: 4 }, () => ['m10001']),
    );
    // Thousands of operations are one step.
    const many = before
      .slice(0, 5_000)
      .map(({ user_id }) => ({ op: 'remove', path: `members[value eq "${user_id}"]` }));
    expect((await other.patch(`/Groups/${id}`, many)).status).toBe(204);
    expect(await rows()).toHaveLength(5_000);
  }, 60_000);

  describe('RFC 7643 §4.2 groups in groups', () => {
    const told = async () =>
      new Map(
        (await service.sent('directory.changed.v1')).flatMap(({ data }) =>
          data.people.map((person) => [person.id, person] as const),
        ),
      );

    it('takes a group as a member, shows it, and makes its people indirect members', async () => {
      const person = (await scim.user('inner@nest.test')).id;
      const inner = await aGroup(person);
      const outer = await aGroup();
      expect(
        await patched(outer.id, { op: 'add', path: 'members', value: [{ value: inner.id, type: 'Group' }] }),
      ).toEqual([inner.id]);
      const at = 'https://countersign.example.com/scim/v2';
      expect((await scim.read(`/Groups/${outer.id}`)).members).toEqual([
        { value: inner.id, display: inner.displayName, type: 'Group', $ref: `${at}/Groups/${inner.id}` },
      ]);
      expect((await scim.read(`/Users/${person}`)).groups).toEqual(
        [
          { value: inner.id, display: inner.displayName, type: 'direct', $ref: `${at}/Groups/${inner.id}` },
          { value: outer.id, display: outer.displayName, type: 'indirect', $ref: `${at}/Groups/${outer.id}` },
        ].sort((a, b) => (a.value < b.value ? -1 : 1)),
      );
      expect((await told()).get(person)?.groups).toEqual([inner.displayName, outer.displayName].sort());
      expect((await scim.list('/Users', { filter: `groups.value eq "${outer.id}"` })).Resources).toHaveLength(
        1,
      );
      expect(
        (await scim.list('/Groups', { filter: `members[type eq "Group" and value eq "${inner.id}"]` }))
          .Resources,
      ).toMatchObject([{ id: outer.id }]);
    });

    it('tells of people in inner groups whose groups change with the outer ones', async () => {
      const [first, second] = [
        (await scim.user('first@nest.test')).id,
        (await scim.user('second@nest.test')).id,
      ];
      const inner = await aGroup(first);
      const middle = await scim.group(`middle-${++made}`, [{ value: inner.id }]);
      const outer = await scim.group(`outer-${++made}`, [{ value: middle.displayName, type: 'Group' }]);
      const all = [inner, middle, outer].map(({ displayName }) => displayName as string).sort();
      expect((await told()).get(first)?.groups).toEqual(all);
      await patched(inner.id, { op: 'add', path: 'members', value: [{ value: second }] });
      expect((await told()).get(second)?.groups).toEqual(all);
      await patched(outer.id, { op: 'replace', path: 'displayName', value: 'zz-outer' });
      expect((await told()).get(second)?.groups).toContain('zz-outer');
      await patched(middle.id, { op: 'remove', path: `members[value eq "${inner.id}"]` });
      expect((await told()).get(first)?.groups).toEqual([inner.displayName]);
      await patched(middle.id, { op: 'add', path: 'members', value: [{ value: inner.id }] });
      expect((await scim.call('DELETE', `/Groups/${middle.id}`)).status).toBe(204);
      expect((await told()).get(first)?.groups).toEqual([inner.displayName]);
      expect((await scim.read(`/Groups/${outer.id}`)).members).toEqual([]);
    });

    it('has a stage that names the outer group ask those in the inner one, each once', async () => {
      const [both, only] = [(await scim.user('both@nest.test')).id, (await scim.user('only@nest.test')).id];
      const inner = await aGroup(both, only);
      const outer = await scim.group(`asked-${++made}`, [{ value: inner.id }, { value: both }]);
      const requester = {
        ...{ id: ann, externalId: 'ext-ann', userName: 'ann@group.test', displayName: 'Ann', email: null },
        ...{ department: null, region: null, approvalLimit: null, groups: [], manager: null },
      };
      const question = { sources: [{ group: outer.displayName }], exclude: [], requester };
      const asked = service.envelope('approvers.preview.v1', {
        questionId: v7(),
        asker: 'intake',
        questions: [question],
      });
      await service.send('approver-resolution', asked);
      const { data } = await service.eventually(async () =>
        (await service.sent('approvers.previewed.v1')).find(
          (sent) => sent.data.questionId === asked.data.questionId,
        ),
      );
      expect(data.answers[0]?.approvers.map(({ person }) => person.id).sort()).toEqual([both, only].sort());
    });

    it('ends in a circle', async () => {
      const person = (await scim.user('circle@nest.test')).id;
      const one = await aGroup(person);
      const two = await scim.group(`two-${++made}`, [{ value: one.id }]);
      await patched(one.id, { op: 'add', path: 'members', value: [{ value: two.id }] });
      await patched(two.id, { op: 'add', path: 'members', value: [{ value: two.id }] });
      expect((await told()).get(person)?.groups).toEqual([one.displayName, two.displayName].sort());
      await patched(two.id, { op: 'replace', path: 'displayName', value: `two-${++made}` });
      expect((await scim.call('DELETE', `/Groups/${one.id}`)).status).toBe(204);
      expect((await told()).get(person)?.groups).toEqual([]);
    });

    it('keeps copies right when inner and outer groups change at the same time', async () => {
      const people = await Promise.all(
        Array.from({ length: 8 }, async (_, n) => (await scim.user(`race-${n}@nest.test`)).id),
      );
      const inner = await aGroup();
      const outer = await aGroup();
      await Promise.all([
        ...people.map((value) => patched(inner.id, { op: 'add', path: 'members', value: [{ value }] })),
        patched(outer.id, { op: 'add', path: 'members', value: [{ value: inner.id }] }),
      ]);
      const newest = await told();
      for (const id of people)
        expect(newest.get(id)?.groups).toEqual([inner.displayName, outer.displayName].sort());
    });
  });
});
