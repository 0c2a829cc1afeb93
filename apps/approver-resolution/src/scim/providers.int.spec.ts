import { entraId } from '../../test/scim/entra-id';
import { okta } from '../../test/scim/okta';
import { ScimClient } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

const { enterprise } = urns;

describe('provisioning by Microsoft Entra ID', () => {
  let service: TestService;
  let scim: ScimClient;
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
  });
  afterAll(() => service.stop());

  const lastTold = async () => (await service.sent('directory.changed.v1')).at(-1)?.data.people ?? [];

  it('tests the connection by looking for somebody who is not there', async () => {
    const answer = await scim.list('/Users', {
      filter: 'userName eq "f3e1f7d2-1b4d-4f0e-9f4d-0d8b8c8e7f11"',
    });
    expect(answer).toEqual({
      schemas: [urns.list],
      totalResults: 0,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    });
  });

  it('provisions, changes, disables and deletes a user', async () => {
    const boss = await scim.user('boss@contoso.test');
    const created = await scim.call('POST', '/Users', entraId.createUser);
    expect(created.status).toBe(201);
    const { id } = created.body;
    for (const filter of [
      `userName eq "${entraId.createUser.userName}"`,
      `externalId eq "${entraId.createUser.externalId}"`,
      'emails[type eq "work"].value eq "test_user_fd0ea19b@testuser.com"',
    ])
      expect((await scim.list('/Users', { filter })).Resources.map((user) => user.id)).toEqual([id]);

    const patch = async (body: unknown) => {
      const answer = await scim.call('PATCH', `/Users/${id}`, body);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
      return answer.body;
    };
    expect(await patch(entraId.updateMultiValued)).toMatchObject({
      emails: [{ value: 'updatedEmail@microsoft.com', type: 'work', primary: true }],
      name: { familyName: 'updatedFamilyName', givenName: 'givenName' },
    });
    expect(await patch(entraId.updateSingleValued)).toMatchObject({ userName: '5b50642d@testuser.com' });
    expect(await patch(entraId.addAttributes(boss.id))).toMatchObject({
      nickName: 'Babs',
      phoneNumbers: [{ type: 'work', value: '555' }],
      addresses: [{ type: 'work', country: 'US' }],
      roles: [{ primary: true, value: 'approver' }],
      [enterprise]: { department: 'Sales', manager: { value: boss.id } },
    });
    expect(await patch(entraId.replaceWithoutPath(boss.id))).toMatchObject({
      displayName: 'Changed',
      name: { givenName: 'Ann', familyName: 'updatedFamilyName' },
      emails: [{ value: 'ann@contoso.test', type: 'work', primary: true }],
      [enterprise]: { employeeNumber: '42', department: 'Sales', manager: { value: boss.id } },
    });
    expect(await lastTold()).toMatchObject([
      { id, displayName: 'Changed', email: 'ann@contoso.test', department: 'Sales', manager: boss.id },
    ]);
    expect((await patch(entraId.removeManager))[enterprise]).not.toHaveProperty('manager');
    expect(await patch(entraId.disable)).toMatchObject({ active: false });
    expect(await lastTold()).toMatchObject([{ id, active: false, manager: null }]);
    expect(await patch(entraId.enableWrapped)).toMatchObject({ active: true });
    expect(await patch(entraId.disableAsText)).toMatchObject({ active: false });
    expect((await scim.call('DELETE', `/Users/${id}`)).status).toBe(204);
  });

  it('provisions a group, renames it, and adds and removes members', async () => {
    const [ann, ben] = [await scim.user('ann@contoso.test'), await scim.user('ben@contoso.test')];
    const created = await scim.call('POST', '/Groups', entraId.createGroup);
    expect([created.status, created.body.members]).toEqual([201, []]);
    const { id } = created.body;
    const found = await scim.list('/Groups', {
      filter: 'displayName eq "displayName"',
      excludedAttributes: 'members',
    });
    expect(found.Resources.map((group) => [group.id, 'members' in group])).toEqual([[id, false]]);
    for (const body of [
      entraId.renameGroup,
      entraId.addMember(ann.id),
      entraId.addMember(ben.id),
      entraId.addMember(ben.id),
      entraId.removeMember(ann.id),
      entraId.removeMember(ann.id),
    ]) {
      const answer = await scim.call('PATCH', `/Groups/${id}`, body);
      expect([answer.status, answer.body]).toEqual([204, null]);
    }
    expect(await scim.members(id)).toEqual([ben.id]);
    const members = await scim.list('/Groups', { filter: `id eq "${id}" and members eq "${ben.id}"` });
    expect(members.totalResults).toBe(1);
    await scim.call('PATCH', `/Groups/${id}`, entraId.removeMemberByFilter(ben.id));
    expect(await lastTold()).toMatchObject([{ id: ben.id, groups: [] }]);
    const bare = await scim.call('GET', `/Groups/${id}?excludedAttributes=members`);
    expect(bare.body).not.toHaveProperty('members');
    expect((await scim.call('DELETE', `/Groups/${id}`)).status).toBe(204);
  });
});

describe('provisioning by Okta', () => {
  let service: TestService;
  let scim: ScimClient;
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
  });
  afterAll(() => service.stop());

  it('looks for a user, creates, imports, replaces and deactivates it', async () => {
    const query = { filter: 'userName eq "test.user@okta.local"', startIndex: '1', count: '100' };
    expect(await scim.list('/Users', query)).toMatchObject({ totalResults: 0, Resources: [] });
    const created = await scim.call('POST', '/Users', okta.createUser);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ userName: 'test.user@okta.local', groups: [], active: true });
    expect(created.body).not.toHaveProperty('password');
    const { id } = created.body;
    const again = await scim.call('POST', '/Users', okta.createUser);
    expect(again.body).toMatchObject({ status: '409', scimType: 'uniqueness' });
    expect(await scim.list('/Users', { startIndex: '1', count: '100' })).toMatchObject({ totalResults: 1 });
    const put = await scim.call('PUT', `/Users/${id}`, okta.putUser(id));
    expect(put.body).toMatchObject({ id, name: { givenName: 'Another', middleName: 'Excited' } });
    const synced = await scim.call('PATCH', `/Users/${id}`, okta.syncPassword);
    expect([synced.status, synced.body]).toEqual([200, put.body]);
    const gone = await scim.call('PATCH', `/Users/${id}`, okta.deactivate);
    expect([gone.status, gone.body.active]).toEqual([200, false]);
    expect((await service.sent('directory.changed.v1')).at(-1)?.data.people).toMatchObject([
      { id, active: false },
    ]);
  });

  it('pushes a group, renames it, and changes and replaces its members', async () => {
    const [ann, ben] = [await scim.user('ann@okta.local'), await scim.user('ben@okta.local')];
    const created = await scim.call('POST', '/Groups', okta.createGroup);
    expect([created.status, created.body.members]).toEqual([201, []]);
    const { id } = created.body;
    for (const [body, members] of [
      [okta.replaceMembers(ann.id), [ann.id]],
      [okta.renameGroup(id), [ann.id]],
      [okta.changeMembers(ann.id, ben.id), [ben.id]],
      [okta.replaceMembers(ann.id, ben.id), [ann.id, ben.id].sort()],
    ] as const) {
      expect((await scim.call('PATCH', `/Groups/${id}`, body)).status).toBe(204);
      expect(await scim.members(id)).toEqual(members);
    }
    expect(await scim.read(`/Groups/${id}`)).toMatchObject({ displayName: 'Test SCIMv20' });
    expect(await scim.list('/Groups', { startIndex: '1', count: '100' })).toMatchObject({ totalResults: 1 });
    expect((await scim.call('DELETE', `/Groups/${id}`)).status).toBe(204);
  });
});
