import { groupSchema } from './group.schema';
import { readMembers, type MemberRef } from './member-refs';
import { memberOf } from './read-attributes';
import { readExternalId, readResource } from './read-resource';
import { invalid } from './scim-problem';

export interface GroupInput {
  externalId: string | null;
  displayName: string;
  /** Each once. */
  members: MemberRef[];
}

/** Reads the body of POST or PUT. */
export const readGroup = (body: Record<string, unknown>): GroupInput => {
  const attributes = groupSchema.attributes.filter(({ name }) => name !== 'members');
  const { displayName } = readResource(body, { ...groupSchema, attributes }) as { displayName: string };
  return { externalId: readExternalId(body), displayName, members: readMembers(listOnly(body)) };
};

/** Where a resource is written as a whole, members are a list. */
const listOnly = (body: Record<string, unknown>): unknown => {
  const members = memberOf(body, 'members');
  if (members === undefined || members === null || Array.isArray(members)) return members;
  throw invalid('invalidValue', 'members must be a list.');
};
