import { ScimClient, type ScimList } from '../../test/scim/scim-client';
import { urns } from '../../test/scim/urns';
import { TestService } from '../../test/test-service';

interface SchemaAttribute {
  name: string;
  type: string;
  multiValued: boolean;
  description: string;
  required: boolean;
  mutability: string;
  returned: string;
  uniqueness: string;
  subAttributes?: SchemaAttribute[];
}

describe('RFC 7644 §4 service provider configuration endpoints', () => {
  let service: TestService;
  let scim: ScimClient;
  beforeAll(async () => {
    service = await TestService.start();
    scim = new ScimClient(service);
  });
  afterAll(() => service.stop());

  const get = <Body>(path: string) => scim.call<Body>('GET', path);

  it('RFC 7643 §5 says what there is in ServiceProviderConfig', async () => {
    const { body, headers } = await get('/ServiceProviderConfig');
    expect(headers.get('content-type')).toMatch(/^application\/scim\+json/);
    expect(body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 1_000, maxPayloadSize: 8_388_608 },
      filter: { supported: true, maxResults: 200 },
      changePassword: { supported: false },
      sort: { supported: true },
      etag: { supported: true },
      authenticationSchemes: [{ type: 'oauthbearertoken', primary: true }, { type: 'httpbasic' }],
      meta: { resourceType: 'ServiceProviderConfig' },
    });
  });

  it('RFC 7643 §8.7.1 lets nobody write what is inside a readOnly attribute', async () => {
    const { body } = await get<{ attributes: SchemaAttribute[] }>(`/Schemas/${urns.user}`);
    const groups = body.attributes.find(({ name }) => name === 'groups');
    expect(groups?.subAttributes?.map(({ mutability }) => mutability)).toEqual(
      groups?.subAttributes?.map(() => 'readOnly'),
    );
  });

  it('RFC 7643 §6 names users and groups in ResourceTypes', async () => {
    const { body } = await get<ScimList>('/ResourceTypes');
    expect(body).toMatchObject({
      schemas: [urns.list],
      totalResults: 2,
      Resources: [
        {
          schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
          id: 'User',
          name: 'User',
          endpoint: '/Users',
          schema: urns.user,
          schemaExtensions: [
            { schema: urns.enterprise, required: false },
            { schema: urns.countersign, required: false },
          ],
        },
        { id: 'Group', endpoint: '/Groups', schema: urns.group },
      ],
    });
    for (const type of body.Resources) expect((await get(`/ResourceTypes/${type.id}`)).body).toEqual(type);
  });

  it('RFC 7643 §7 describes every attribute of each schema in full', async () => {
    const { body } = await get<ScimList>('/Schemas');
    expect(body.Resources.map(({ id }) => id).sort()).toEqual(
      [urns.user, urns.group, urns.enterprise, urns.countersign].sort(),
    );
    const check = (attribute: SchemaAttribute): void => {
      expect(attribute).toMatchObject({
        name: expect.stringMatching(/^[$A-Za-z][\w$-]*$/),
        type: expect.stringMatching(/^(string|boolean|decimal|integer|dateTime|binary|reference|complex)$/),
        multiValued: expect.any(Boolean),
        description: expect.stringMatching(/\.$/),
        required: expect.any(Boolean),
        mutability: expect.stringMatching(/^(readOnly|readWrite|immutable|writeOnly)$/),
        returned: expect.stringMatching(/^(always|never|default|request)$/),
        uniqueness: expect.stringMatching(/^(none|server|global)$/),
      });
      expect(attribute.type === 'complex').toBe(attribute.subAttributes !== undefined);
      attribute.subAttributes?.forEach(check);
    };
    for (const schema of body.Resources) {
      (schema.attributes as SchemaAttribute[]).forEach(check);
      expect((await get(`/Schemas/${schema.id}`)).body).toEqual(schema);
    }
  });

  it('RFC 7643 §4.1 and §4.3 has every attribute of the core and the enterprise user but the password', async () => {
    const names = async (urn: string) =>
      ((await get<{ attributes: SchemaAttribute[] }>(`/Schemas/${urn}`)).body.attributes ?? [])
        .map(({ name }) => name)
        .sort();
    expect(await names(urns.user)).toEqual(
      [
        ...[
          'active',
          'addresses',
          'displayName',
          'emails',
          'entitlements',
          'groups',
          'ims',
          'locale',
          'name',
        ],
        ...['nickName', 'phoneNumbers', 'photos', 'preferredLanguage', 'profileUrl', 'roles', 'timezone'],
        ...['title', 'userName', 'userType', 'x509Certificates'],
      ].sort(),
    );
    expect(await names(urns.enterprise)).toEqual(
      ['costCenter', 'department', 'division', 'employeeNumber', 'manager', 'organization'].sort(),
    );
    expect(await names(urns.group)).toEqual(['displayName', 'members']);
  });

  it('§4 refuses a filter: 403', async () => {
    for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas']) {
      const answer = await get(`${path}?filter=id%20pr`);
      expect(answer.body).toMatchObject({ schemas: [urns.error], status: '403' });
    }
  });

  it('§3.12 answers 404 as a SCIM error for what is not there', async () => {
    for (const path of ['/ResourceTypes/Car', '/Schemas/urn:x', '/Cars', '/Users/x/y'])
      expect((await get(path)).body).toMatchObject({ schemas: [urns.error], status: '404' });
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('§3.11 answers 501 to %s /Me', async (method) => {
    expect((await scim.call(method, '/Me')).body).toMatchObject({ schemas: [urns.error], status: '501' });
  });
});
