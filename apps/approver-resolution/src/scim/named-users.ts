import { Problem } from '@countersign/service-kit';
import type { Sql } from '@countersign/persistence';
import { refKey, userNameKey } from '../directory/directory-ref';
import { matchUsers } from '../directory/match-users';
import type { UserInput } from './read-user';
import { invalid } from './scim-problem';

/** A user as it is going to be. */
export interface NamingUser {
  id: string;
  user: UserInput;
}

type Role = 'manager' | 'outOfOffice.delegate';

export const noManager = (): Problem => namesNobody('manager');

const namesNobody = (role: Role): Problem =>
  invalid('invalidValue', `${role} names nobody in this workspace.`);

const refsOf = ({ managerRef, delegateRef }: UserInput): string[] =>
  [managerRef, delegateRef].filter((ref) => ref !== null);

/**
 * The ids of the users' managers, under the users' own ids; null for none. A Problem invalidValue for a user whose manager
 * or delegate is nobody, more than one person, or whose delegate is the user.
 */
export const managersOf = async (
  sql: Sql,
  workspaceId: string,
  users: readonly NamingUser[],
): Promise<Map<string, string | Problem | null>> => {
  const asked = [...new Set(users.flatMap(({ user }) => refsOf(user)))];
  const matches = await matchUsers(
    sql,
    asked.map((ref) => ({ workspaceId, ref })),
  );
  const idOf = (ref: string, role: Role): string | Problem => {
    const [found, other] = matches.get(refKey({ workspaceId, ref })) ?? [];
    if (found && other) return invalid('invalidValue', `${role} names more than one user.`);
    return found?.id ?? namesNobody(role);
  };
  const refusalOfDelegate = (naming: NamingUser): Problem | null => {
    const ref = naming.user.delegateRef;
    if (ref === null) return null;
    const id = idOf(ref, 'outOfOffice.delegate');
    if (id === naming.id || isNameOf(ref, naming.user))
      return invalid('invalidValue', 'outOfOffice.delegate must be somebody else.');
    return id instanceof Problem ? id : null;
  };
  return new Map(
    users.map((naming) => {
      const { managerRef } = naming.user;
      const manager = managerRef === null ? null : idOf(managerRef, 'manager');
      return [naming.id, manager instanceof Problem ? manager : (refusalOfDelegate(naming) ?? manager)];
    }),
  );
};

/** Also by a name that the directory does not know yet. */
const isNameOf = (ref: string, { userName, externalId }: UserInput): boolean =>
  ref === externalId || userNameKey(ref) === userNameKey(userName);

/** Throws Problem invalidValue. */
export const managerOf = async (
  sql: Sql,
  workspaceId: string,
  naming: NamingUser,
): Promise<string | null> => {
  const found = (await managersOf(sql, workspaceId, [naming])).get(naming.id) ?? null;
  if (found instanceof Problem) throw found;
  return found;
};

/** Throws Problem invalidValue. */
export const checkDelegate = async (
  sql: Sql,
  workspaceId: string,
  { id, user }: NamingUser,
): Promise<void> => {
  await managerOf(sql, workspaceId, { id, user: { ...user, managerRef: null } });
};
