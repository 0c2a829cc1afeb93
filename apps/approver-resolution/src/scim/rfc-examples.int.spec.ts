import { rfc } from '../../test/scim/rfc-examples';
import { ScimClient, type BulkAnswer, type ScimResource } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

describe('the examples of the RFCs', () => {
  let service: TestService;
  let scim: ScimClient;
  let [ann, ben] = ['', ''];
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
    ann = (await scim.user('ann')).id;
    ben = (await scim.user('ben')).id;
  });
  afterAll(() => service.stop());

  /** Creates, checks what is shown, and deletes again: the examples share a userName. */
  const asUser = async (body: unknown, work: (user: ScimResource) => Promise<void>) => {
    const created = await scim.call('POST', '/Users', body);
    if (created.status !== 201) throw new Error(JSON.stringify(created.body));
    await work(created.body);
    expect((await scim.call('DELETE', `/Users/${created.body.id}`)).status).toBe(204);
  };
  const bulk = async (body: unknown) => (await scim.call<BulkAnswer>('POST', '/Bulk', body)).body;
  const idOf = (location = '') => location.split('/').at(-1) ?? '';

  it('RFC 7643 §8.1 the minimal user', () =>
    asUser(rfc.minimalUser, async (user) => {
      expect(user).toMatchObject({ schemas: [urns.user], userName: 'bjensen@example.com' });
      expect(user.id).not.toBe(rfc.minimalUser.id);
    }));

  it('RFC 7643 §8.2 the full user', () =>
    asUser(rfc.fullUser, async (user) => {
      const { id, password, groups, meta, ...kept } = rfc.fullUser;
      expect(user).toMatchObject(kept);
      expect([user.id === id, user.password === password, user.meta.version === meta.version]).toEqual([
        false,
        false,
        false,
      ]);
      expect([groups.length, user.groups]).toEqual([1, []]);
    }));

  it('RFC 7643 §8.3 the enterprise user', () =>
    asUser(rfc.enterpriseUser(ann), async (user) => {
      expect(user.schemas).toEqual([urns.user, urns.enterprise]);
      expect(user[urns.enterprise]).toMatchObject({
        employeeNumber: '701984',
        costCenter: '4130',
        organization: 'Universal Studios',
        division: 'Theme Park',
        department: 'Tour Operations',
        manager: { value: ann, displayName: 'ann' },
      });
    }));

  it('RFC 7643 §8.4 the group', async () => {
    const body = rfc.group({ id: ann, display: 'Babs Jensen' }, { id: ben, display: 'Mandy Pepperidge' });
    const created = await scim.call('POST', '/Groups', body);
    expect(created.status).toBe(201);
    expect(await scim.members(created.body.id)).toEqual([ann, ben].sort());
  });

  it('RFC 7644 §3.3 creating, §3.5.1 replacing, §3.6 deleting', () =>
    asUser(rfc.postUser, async (user) => {
      expect(user).toMatchObject(rfc.postUser);
      const put = await scim.call('PUT', `/Users/${user.id}`, rfc.putUser);
      const { id, roles, ...kept } = rfc.putUser;
      expect(put.body).toMatchObject({ ...kept, id: user.id });
      expect([id === user.id, roles, put.body.roles]).toEqual([false, [], undefined]);
      const again = await scim.call('POST', '/Users', rfc.postUser);
      expect(again.body).toMatchObject({ schemas: [urns.error], status: '409', scimType: 'uniqueness' });
    }));

  it('RFC 7644 §3.5.2 patching a user', () =>
    asUser(rfc.fullUser, async ({ id }) => {
      const patch = async (body: unknown) => (await scim.call('PATCH', `/Users/${id}`, body)).body;
      const home = { value: 'babs@jensen.org', type: 'home' };
      expect((await patch(rfc.addEmails)).emails).toHaveLength(2);
      expect((await patch(rfc.removeSelectedEmails)).emails).toEqual([home]);
      expect((await patch(rfc.replaceEmails)).emails).toEqual(rfc.fullUser.emails);
      const [work, other] = (await patch(rfc.replaceWorkAddress)).addresses as unknown[];
      expect(work).toMatchObject({ streetAddress: '911 Universal City Plaza', country: 'US' });
      expect(other).toEqual(rfc.fullUser.addresses[1]);
      expect((await patch(rfc.replaceStreet)).addresses).toMatchObject([
        { streetAddress: '1010 Broadway Ave', country: 'US' },
        { streetAddress: '456 Hollywood Blvd' },
      ]);
    }));

  it('RFC 7644 §3.5.2 patching a group', async () => {
    const { id } = await scim.group('patched');
    for (const [body, members] of [
      [rfc.addMembers(ann), [ann]],
      [rfc.addMembers(ann), [ann]],
      [rfc.removeAndAddMember(ann, ben), [ben]],
      [rfc.removeOneMember(ben), []],
      [rfc.replaceAllMembers(ann, ben), [ann, ben].sort()],
      [rfc.removeAllMembers, []],
    ] as const) {
      expect((await scim.call('PATCH', `/Groups/${id}`, body)).status).toBe(204);
      expect(await scim.members(id)).toEqual(members);
    }
  });

  it('RFC 7644 §3.7.1 and §3.7.2 bulk with bulkIds', async () => {
    const circular = await bulk(rfc.circularGroups);
    expect(circular.Operations.map(({ status }) => status)).toEqual(['201', '201']);
    const [a, b] = circular.Operations.map(({ location }) => idOf(location));
    expect([await scim.members(a ?? ''), await scim.members(b ?? '')]).toEqual([[b], [a]]);
    const [alice, guides] = (await bulk(rfc.temporaryIds)).Operations;
    expect(await scim.members(idOf(guides?.location))).toEqual([idOf(alice?.location)]);
    const [boss, bob] = (await bulk(rfc.temporaryManager)).Operations;
    expect((await scim.read(`/Users/${idOf(bob?.location)}`))[urns.enterprise]).toMatchObject({
      employeeNumber: '11250',
      manager: { value: idOf(boss?.location) },
    });
  });
});
