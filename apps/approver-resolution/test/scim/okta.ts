import { urns } from './urns';

/* What Okta sends, from its reference "Okta and SCIM Version 2.0". Ids are ours to fill in. */
const patch = (...Operations: unknown[]) => ({ schemas: [urns.patch], Operations });

export const okta = {
  createUser: {
    schemas: [urns.user],
    userName: 'test.user@okta.local',
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ primary: true, value: 'test.user@okta.local', type: 'work' }],
    displayName: 'Test User',
    locale: 'en-US',
    externalId: '00ujl29u0le5T6Aj10h7',
    groups: [],
    password: '1mz050nq',
    active: true,
  },
  putUser: (id: string) => ({
    schemas: [urns.user],
    id,
    userName: 'test.user@okta.local',
    name: { givenName: 'Another', middleName: 'Excited', familyName: 'User' },
    emails: [{ primary: true, value: 'test.user@okta.local', type: 'work', display: 'test.user@okta.local' }],
    active: true,
    groups: [],
    meta: { resourceType: 'User' },
  }),
  deactivate: patch({ op: 'replace', value: { active: false } }),
  syncPassword: patch({ op: 'replace', value: { password: 'N3wPassw0rd' } }),
  createGroup: { schemas: [urns.group], displayName: 'Test SCIMv2', members: [] },
  renameGroup: (id: string) => patch({ op: 'replace', value: { id, displayName: 'Test SCIMv20' } }),
  changeMembers: (gone: string, added: string) =>
    patch(
      { op: 'remove', path: `members[value eq "${gone}"]` },
      { op: 'add', path: 'members', value: [{ value: added, display: 'test.user@okta.local' }] },
    ),
  replaceMembers: (...members: string[]) =>
    patch({
      op: 'replace',
      path: 'members',
      value: members.map((value) => ({ value, display: 'test.user@okta.local' })),
    }),
};
