import { expectStatus, type HttpClient, type Json } from './http-client';

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export interface ScimResource extends Json {
  id: string;
  userName: string;
  displayName: string;
  externalId?: string;
}

export interface NewUser {
  userName: string;
  displayName?: string;
  externalId?: string;
  manager?: string;
  department?: string;
  active?: boolean;
}

/** Creates a user by SCIM, with the mail address for a name. */
export async function createUser(client: HttpClient, user: NewUser): Promise<ScimResource> {
  const { userName, displayName, externalId, manager, department, active = true } = user;
  const more = {
    ...(manager ? { manager: { value: manager } } : {}),
    ...(department ? { department } : {}),
  };
  const extended = Object.keys(more).length > 0;
  const answer = await client.post<ScimResource>(
    '/scim/v2/Users',
    {
      schemas: extended ? [userSchema, enterprise] : [userSchema],
      userName,
      displayName: displayName ?? userName.split('@')[0],
      emails: [{ value: userName, type: 'work', primary: true }],
      active,
      ...(externalId ? { externalId } : {}),
      ...(extended ? { [enterprise]: more } : {}),
    },
    { headers: { 'content-type': 'application/scim+json' } },
  );
  return expectStatus(answer, 201);
}

export async function createGroup(
  client: HttpClient,
  displayName: string,
  members: readonly string[],
): Promise<ScimResource> {
  const answer = await client.post<ScimResource>(
    '/scim/v2/Groups',
    { schemas: [groupSchema], displayName, members: members.map((value) => ({ value })) },
    { headers: { 'content-type': 'application/scim+json' } },
  );
  return expectStatus(answer, 201);
}

/** Somebody leaves: known still, but asked nothing any more. */
export async function deactivateUser(client: HttpClient, id: string): Promise<void> {
  const answer = await client.patch(
    `/scim/v2/Users/${id}`,
    {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'active', value: false }],
    },
    { headers: { 'content-type': 'application/scim+json' } },
  );
  expectStatus(answer, 200);
}

export interface Organisation {
  alice: ScimResource;
  bob: ScimResource;
  carol: ScimResource;
  dave: ScimResource;
  erin: ScimResource;
  finance: ScimResource;
}

/** Alice asks, Bob is her manager, Carol, Dave and Erin are the group `finance`. */
export async function createOrganisation(client: HttpClient): Promise<Organisation> {
  const person = (name: string, more: Partial<NewUser> = {}) =>
    createUser(client, {
      userName: `${name}@example.com`,
      displayName: `${name[0]?.toUpperCase()}${name.slice(1)}`,
      ...more,
    });
  const bob = await person('bob', { externalId: 'e0c1f6a2-0b0b-4d6e-8a8a-000000000b0b' });
  const alice = await person('alice', {
    externalId: 'd3f0fe0f-ad34-4eb2-af61-953ea3a76031',
    manager: bob.id,
    department: 'IT',
  });
  const [carol, dave, erin] = [await person('carol'), await person('dave'), await person('erin')];
  const finance = await createGroup(client, 'finance', [carol.id, dave.id, erin.id]);
  return { alice, bob, carol, dave, erin, finance };
}
