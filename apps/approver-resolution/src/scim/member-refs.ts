import { isUuid } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import { refKey } from '../directory/directory-ref';
import { namedGroups, type NamedGroup } from '../directory/match-groups';
import { matchUsers } from '../directory/match-users';
import { isObject, memberOf, readValue } from './read-attributes';
import { groupSchema } from './group.schema';
import { invalid } from './scim-problem';

/** How a client names a member: a user, a group or, as most clients do, without saying which. */
export interface MemberRef {
  ref: string;
  type: 'User' | 'Group' | null;
}

export const memberKey = ({ ref, type }: MemberRef): string => `${type ?? ''} ${ref}`;

const members = groupSchema.attributes.filter(({ name }) => name === 'members');

/** Reads `members`, one or a list of them, each once. Throws Problem invalidValue. */
export const readMembers = (given: unknown, at = 'members'): MemberRef[] => {
  const [attribute] = members;
  if (!attribute) throw new Error('groups have no members');
  if (given === undefined || given === null) return [];
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const values = (readValue(attribute, list, at) ?? []) as { value?: string; type?: string }[];
  const refs = values.map(({ value, type }, index): MemberRef => {
    const ref = value ?? lastOf(list[index]);
    if (ref === null) throw invalid('invalidValue', `${at}[${index}].value is required.`);
    return { ref, type: typeOf(type, `${at}[${index}].type`) };
  });
  return [...new Map(refs.map((ref) => [memberKey(ref), ref])).values()];
};

const typeOf = (type: string | undefined, at: string): MemberRef['type'] => {
  if (type === undefined) return null;
  if (type.toLowerCase() === 'user') return 'User';
  if (type.toLowerCase() === 'group') return 'Group';
  throw invalid('invalidValue', `${at} must be User or Group.`);
};

/** A member that is named by its address alone (RFC 7643 §2.4). */
const lastOf = (given: unknown): string | null => {
  const address = isObject(given) ? memberOf(given, '$ref') : null;
  const last = typeof address === 'string' ? /\/(?:Users|Groups)\/([^/?#]+)$/.exec(address)?.[1] : undefined;
  return last !== undefined && isUuid(last) ? last : null;
};

/** What refs mean, under `memberKey`. */
export interface FoundMembers {
  users: Map<string, string>;
  groups: Map<string, string>;
  /** Refs that mean nobody, or more than one. */
  bad: MemberRef[];
}

/** Looks up any number of refs: users first, then groups; a displayName only where the client says it is a group. */
export const findMembers = async (
  tx: Tx,
  workspaceId: string,
  refs: readonly MemberRef[],
): Promise<FoundMembers> => {
  const found: FoundMembers = { users: new Map(), groups: new Map(), bad: [] };
  const maybeUsers = refs.filter(({ type }) => type !== 'Group');
  const users = await matchUsers(
    tx,
    maybeUsers.map(({ ref }) => ({ workspaceId, ref })),
  );
  const maybeGroups: MemberRef[] = [];
  for (const member of refs) {
    const matches =
      member.type === 'Group' ? [] : (users.get(refKey({ workspaceId, ref: member.ref })) ?? []);
    const [match, other] = matches;
    if (match && !other) found.users.set(memberKey(member), match.id);
    else if (other || member.type === 'User') found.bad.push(member);
    else maybeGroups.push(member);
  }
  if (maybeGroups.length > 0) await findGroups(tx, workspaceId, maybeGroups, found);
  return found;
};

const findGroups = async (
  tx: Tx,
  workspaceId: string,
  refs: readonly MemberRef[],
  found: FoundMembers,
): Promise<void> => {
  const groups = await namedGroups(
    tx,
    refs.map(({ ref }) => ({ workspaceId, ref })),
  );
  const byRef = new Map<string, NamedGroup[]>();
  for (const group of groups) byRef.set(group.ref, [...(byRef.get(group.ref) ?? []), group]);
  for (const member of refs) {
    const named = byRef.get(member.ref) ?? [];
    const [match, other] = member.type === 'Group' ? named : named.filter(({ by_name }) => !by_name);
    if (match && !other) found.groups.set(memberKey(member), match.id);
    else found.bad.push(member);
  }
};
