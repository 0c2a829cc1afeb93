import { urns } from './urns';

/* Example bodies of RFC 7643 §8 and RFC 7644 §3, by section. Ids of other resources are ours to fill in. */
const patch = (...Operations: unknown[]) => ({ schemas: [urns.patch], Operations });
const bulk = (...Operations: unknown[]) => ({ schemas: [urns.bulk], Operations });

const address = {
  type: 'work',
  streetAddress: '100 Universal City Plaza',
  locality: 'Hollywood',
  region: 'CA',
  postalCode: '91608',
  country: 'USA',
  formatted: '100 Universal City Plaza\nHollywood, CA 91608 USA',
  primary: true,
};

const fullUser = {
  schemas: [urns.user],
  id: '2819c223-7f76-453a-919d-413861904646',
  externalId: '701984',
  userName: 'bjensen@example.com',
  name: {
    formatted: 'Ms. Barbara J Jensen, III',
    familyName: 'Jensen',
    givenName: 'Barbara',
    middleName: 'Jane',
    honorificPrefix: 'Ms.',
    honorificSuffix: 'III',
  },
  displayName: 'Babs Jensen',
  nickName: 'Babs',
  profileUrl: 'https://login.example.com/bjensen',
  emails: [
    { value: 'bjensen@example.com', type: 'work', primary: true },
    { value: 'babs@jensen.org', type: 'home' },
  ],
  addresses: [
    address,
    {
      type: 'home',
      streetAddress: '456 Hollywood Blvd',
      locality: 'Hollywood',
      region: 'CA',
      postalCode: '91608',
      country: 'USA',
      formatted: '456 Hollywood Blvd\nHollywood, CA 91608 USA',
    },
  ],
  phoneNumbers: [
    { value: '555-555-5555', type: 'work' },
    { value: '555-555-4444', type: 'mobile' },
  ],
  ims: [{ value: 'someaimhandle', type: 'aim' }],
  photos: [
    { value: 'https://photos.example.com/profilephoto/72930000000Ccne/F', type: 'photo' },
    { value: 'https://photos.example.com/profilephoto/72930000000Ccne/T', type: 'thumbnail' },
  ],
  userType: 'Employee',
  title: 'Tour Guide',
  preferredLanguage: 'en-US',
  locale: 'en-US',
  timezone: 'America/Los_Angeles',
  active: true,
  password: 't1meMa$heen',
  groups: [
    {
      value: 'e9e30dba-f08f-4109-8486-d5c6a331660a',
      $ref: 'https://example.com/v2/Groups/e9e30dba-f08f-4109-8486-d5c6a331660a',
      display: 'Tour Guides',
    },
  ],
  // Shorter than the RFC's, which is a certificate of 2011.
  x509Certificates: [
    { value: 'MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMxEzARBgNVBAgM' },
  ],
  meta: {
    resourceType: 'User',
    created: '2010-01-23T04:56:22Z',
    lastModified: '2011-05-13T04:42:34Z',
    version: 'W/"a330bc54f0671c9"',
    location: 'https://example.com/v2/Users/2819c223-7f76-453a-919d-413861904646',
  },
};

export const rfc = {
  minimalUser: {
    schemas: [urns.user],
    id: '2819c223-7f76-453a-919d-413861904646',
    userName: 'bjensen@example.com',
    meta: fullUser.meta,
  },
  fullUser,
  enterpriseUser: (managerId: string) => ({
    ...fullUser,
    schemas: [urns.user, urns.enterprise],
    [urns.enterprise]: {
      employeeNumber: '701984',
      costCenter: '4130',
      organization: 'Universal Studios',
      division: 'Theme Park',
      department: 'Tour Operations',
      manager: { value: managerId, $ref: `../Users/${managerId}`, displayName: 'John Smith' },
    },
  }),
  group: (...members: { id: string; display: string }[]) => ({
    schemas: [urns.group],
    id: 'e9e30dba-f08f-4109-8486-d5c6a331660a',
    displayName: 'Tour Guides',
    members: members.map(({ id, display }) => ({
      value: id,
      $ref: `https://example.com/v2/Users/${id}`,
      display,
    })),
    meta: { resourceType: 'Group', version: 'W/"3694e05e9dff592"' },
  }),
  postUser: {
    schemas: [urns.user],
    userName: 'bjensen',
    externalId: 'bjensen',
    name: { formatted: 'Ms. Barbara J Jensen III', familyName: 'Jensen', givenName: 'Barbara' },
  },
  putUser: {
    schemas: [urns.user],
    id: '2819c223-7f76-453a-919d-413861904646',
    userName: 'bjensen',
    externalId: 'bjensen',
    name: {
      formatted: 'Ms. Barbara J Jensen III',
      familyName: 'Jensen',
      givenName: 'Barbara',
      middleName: 'Jane',
    },
    roles: [],
    emails: [{ value: 'bjensen@example.com' }, { value: 'babs@jensen.org' }],
  },
  addMembers: (id: string) =>
    patch({
      op: 'add',
      path: 'members',
      value: [{ display: 'Babs Jensen', $ref: `https://example.com/v2/Users/${id}`, value: id }],
    }),
  addEmails: patch({
    op: 'add',
    value: { emails: [{ value: 'babs@jensen.org', type: 'home' }], nickname: 'Babs' },
  }),
  removeOneMember: (id: string) => patch({ op: 'remove', path: `members[value eq "${id}"]` }),
  removeAllMembers: patch({ op: 'remove', path: 'members' }),
  removeSelectedEmails: patch({ op: 'remove', path: 'emails[type eq "work" and value ew "example.com"]' }),
  removeAndAddMember: (gone: string, added: string) =>
    patch(
      // Without a blank, as the RFC has it.
      { op: 'remove', path: `members[value eq"${gone}"]` },
      {
        op: 'add',
        path: 'members',
        value: [{ display: 'James Smith', $ref: `https://example.com/v2/Users/${added}`, value: added }],
      },
    ),
  replaceAllMembers: (...ids: string[]) =>
    patch(
      { op: 'remove', path: 'members' },
      { op: 'add', path: 'members', value: ids.map((value) => ({ value })) },
    ),
  replaceWorkAddress: patch({
    op: 'replace',
    path: 'addresses[type eq "work"]',
    value: {
      ...address,
      streetAddress: '911 Universal City Plaza',
      country: 'US',
      formatted: '911 Universal City Plaza\nHollywood, CA 91608 US',
    },
  }),
  replaceStreet: patch({
    op: 'replace',
    path: 'addresses[type eq "work"].streetAddress',
    value: '1010 Broadway Ave',
  }),
  replaceEmails: patch({
    op: 'replace',
    value: { emails: fullUser.emails, nickname: 'Babs' },
  }),
  circularGroups: bulk(
    {
      method: 'POST',
      path: '/Groups',
      bulkId: 'qwerty',
      data: {
        schemas: [urns.group],
        displayName: 'Group A',
        members: [{ type: 'Group', value: 'bulkId:ytrewq' }],
      },
    },
    {
      method: 'POST',
      path: '/Groups',
      bulkId: 'ytrewq',
      data: {
        schemas: [urns.group],
        displayName: 'Group B',
        members: [{ type: 'Group', value: 'bulkId:qwerty' }],
      },
    },
  ),
  temporaryIds: bulk(
    { method: 'POST', path: '/Users', bulkId: 'qwerty', data: { schemas: [urns.user], userName: 'Alice' } },
    {
      method: 'POST',
      path: '/Groups',
      bulkId: 'ytrewq',
      data: {
        schemas: [urns.group],
        displayName: 'Tour Guides',
        members: [{ type: 'User', value: 'bulkId:qwerty' }],
      },
    },
  ),
  temporaryManager: bulk(
    { method: 'POST', path: '/Users', bulkId: 'qwerty', data: { schemas: [urns.user], userName: 'Alice 2' } },
    {
      method: 'POST',
      path: '/Users',
      bulkId: 'ytrewq',
      data: {
        schemas: [urns.user, urns.enterprise],
        userName: 'Bob',
        [urns.enterprise]: { employeeNumber: '11250', manager: { value: 'bulkId:qwerty' } },
      },
    },
  ),
};
