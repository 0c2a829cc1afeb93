import { urns } from './urns';

/*
 * What the Microsoft Entra provisioning service sends, from "Tutorial: Develop and plan provisioning for a SCIM endpoint in
 * Microsoft Entra ID" and its list of known differences from the standard. Ids are ours to fill in.
 */
const patch = (...Operations: unknown[]) => ({ schemas: [urns.patch], Operations });

export const entraId = {
  createUser: {
    schemas: [urns.user, urns.enterprise],
    externalId: '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef',
    userName: 'Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1',
    active: true,
    emails: [{ primary: true, type: 'work', value: 'Test_User_fd0ea19b@testuser.com' }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
  },
  updateMultiValued: patch(
    { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updatedEmail@microsoft.com' },
    { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
  ),
  updateSingleValued: patch({ op: 'Replace', path: 'userName', value: '5b50642d@testuser.com' }),
  disable: patch({ op: 'Replace', path: 'active', value: false }),
  /** Without the flag `aadOptscim062020` booleans are text and single values are wrapped. */
  disableAsText: patch({ op: 'Replace', path: 'active', value: 'False' }),
  enableWrapped: patch({ op: 'Add', path: 'active', value: [{ $ref: null, value: 'True' }] }),
  addAttributes: (managerId: string) =>
    patch(
      { op: 'Add', path: 'nickName', value: 'Babs' },
      { op: 'Add', path: 'phoneNumbers[type eq "work"].value', value: '555' },
      { op: 'Add', path: 'addresses[type eq "work"].country', value: 'US' },
      { op: 'Add', path: 'roles[primary eq "True"].value', value: 'approver' },
      { op: 'Add', path: `${urns.enterprise}:department`, value: 'Sales' },
      {
        op: 'Add',
        path: `${urns.enterprise}:manager`,
        value: [{ $ref: `http://example.test/scim/Users/${managerId}`, value: managerId }],
      },
    ),
  /** With the flag, several attributes of one operation come as members of a value without a path. */
  replaceWithoutPath: (managerId: string) =>
    patch({
      op: 'replace',
      value: {
        displayName: 'Changed',
        'name.givenName': 'Ann',
        'emails[type eq "work"].value': 'ann@contoso.test',
        [`${urns.enterprise}:employeeNumber`]: '42',
        [`${urns.enterprise}:manager`]: managerId,
      },
    }),
  removeManager: patch({ op: 'Remove', path: `${urns.enterprise}:manager` }),
  createGroup: {
    schemas: [urns.group, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
    externalId: '8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159',
    displayName: 'displayName',
    meta: { resourceType: 'Group' },
  },
  renameGroup: patch({
    op: 'Replace',
    path: 'displayName',
    value: '1879db59-3bdf-4490-ad68-ab880a269474updatedDisplayName',
  }),
  addMember: (value: string) => patch({ op: 'Add', path: 'members', value: [{ $ref: null, value }] }),
  removeMember: (value: string) => patch({ op: 'Remove', path: 'members', value: [{ $ref: null, value }] }),
  /** With the flag. */
  removeMemberByFilter: (id: string) => patch({ op: 'remove', path: `members[value eq "${id}"]` }),
};
