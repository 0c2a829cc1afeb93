import type { FactContents } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import { isUniqueViolation, type Sql } from '@countersign/persistence';
import { endDelegationsOf } from '../delegations/delegation.store';
import type { Attributes } from '../directory/directory-change';
import { roleKey, userNameKey } from '../directory/directory-ref';
import { managerOf, noManager } from './named-users';
import type { UserInput } from './read-user';
import { notUnique } from './scim-problem';
import { attributesOf } from './user-attributes';
import { enterpriseUrn } from './user.schema';

export interface UserRow {
  [column: string]: unknown;
  id: string;
  external_id: string | null;
  user_name: string;
  display_name: string;
  active: boolean;
  manager_id: string | null;
  manager_name: string | null;
  resource: Record<string, unknown>;
  groups: { value: string; display: string; type: 'direct' | 'indirect' }[];
  version: string;
  created_at: Date;
  changed_at: Date;
}

export const takenName = (userName: string) => notUnique(`There is already a user named ${userName}.`);

/** A user to be made, whose manager has been looked up. */
export interface NewUser {
  id: string;
  user: UserInput;
  managerId: string | null;
}

const rowOf = ({ id, user, managerId }: NewUser) => ({
  id,
  external_id: user.externalId,
  user_name: user.userName,
  user_name_key: userNameKey(user.userName),
  display_name: user.displayName,
  email: user.email,
  active: user.active,
  department: user.department,
  region: user.region,
  approval_limit: user.approvalLimit,
  manager_id: managerId,
  resource: user.resource,
  roles: rolesOf(user),
});

const rolesOf = (user: UserInput): string[] => [...new Set(user.roles.map(roleKey))];

/** A manager who was deleted since they were looked up. */
const withManagerThere = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (error instanceof Error && 'constraint' in error && error.constraint === 'manager_is_user')
      throw noManager();
    throw error;
  });

/**
 * Makes any number of users in one statement. Returns the ids of those that are made: the others have a name that is
 * taken, also by one of these. Throws Problem invalidValue.
 */
export const insertUsers = async (
  tx: Tx,
  workspaceId: string,
  users: readonly NewUser[],
): Promise<Set<string>> => {
  const rows = await withManagerThere(
    tx.query<{ id: string }>(
      `WITH given AS (
         SELECT * FROM json_to_recordset($2::json) AS g (id uuid, external_id text, user_name text, user_name_key text,
           display_name text, email text, active boolean, department text, region text, approval_limit double precision,
           manager_id uuid, resource json, roles text[])
       ), made AS (
         INSERT INTO user_ (workspace_id, id, external_id, user_name, user_name_key, display_name, email, active,
                            department, region, approval_limit, manager_id, resource)
         SELECT $1, id, external_id, user_name, user_name_key, display_name, email, active,
                department, region, approval_limit, manager_id, resource FROM given ORDER BY id
         ON CONFLICT ON CONSTRAINT one_user_per_name DO NOTHING RETURNING id
       ), roles AS (
         INSERT INTO user_role (workspace_id, user_id, role_key)
         SELECT $1, made.id, r.role_key FROM made JOIN given USING (id), unnest(given.roles) AS r (role_key)
       )
       SELECT id FROM made`,
      [workspaceId, JSON.stringify(users.map(rowOf))],
    ),
  );
  return new Set(rows.map(({ id }) => id));
};

/** Returns what has been made of it. Throws Problem uniqueness, invalidValue. */
export const insertUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  user: UserInput,
): Promise<NewUser> => {
  const managerId = await managerOf(tx, workspaceId, { id, user });
  const made = await insertUsers(tx, workspaceId, [{ id, user, managerId }]);
  if (made.size === 0) throw takenName(user.userName);
  return { id, user, managerId };
};

const valuesOf = (workspaceId: string, id: string, user: UserInput, managerId: string | null): unknown[] => [
  workspaceId,
  id,
  user.externalId,
  user.userName,
  userNameKey(user.userName),
  user.displayName,
  user.email,
  user.active,
  user.department,
  user.region,
  user.approvalLimit,
  managerId,
  JSON.stringify(user.resource),
  rolesOf(user),
];

/** Replaces a user that the caller has locked. Returns what they are now. Throws Problem uniqueness, invalidValue. */
export const replaceUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  user: UserInput,
): Promise<Attributes> => {
  const managerId = await managerOf(tx, workspaceId, { id, user });
  const update = tx.query(
    `WITH lost AS (
       DELETE FROM user_role WHERE user_id = $2 AND role_key <> ALL ($14::text[])
     ), gained AS (
       INSERT INTO user_role (workspace_id, user_id, role_key)
       SELECT $1, $2, role_key FROM unnest($14::text[]) AS r (role_key)
       ON CONFLICT DO NOTHING
     )
     UPDATE user_ SET external_id = $3, user_name = $4, user_name_key = $5, display_name = $6, email = $7, active = $8,
                      department = $9, region = $10, approval_limit = $11, manager_id = $12, resource = $13,
                      version = version + 1, changed_at = now()
      WHERE id = $2 AND (workspace_id = $1) IS TRUE`,
    valuesOf(workspaceId, id, user, managerId),
  );
  await withManagerThere(update).catch((error: unknown) => {
    throw isUniqueViolation(error, 'one_user_per_name') ? takenName(user.userName) : error;
  });
  return attributesOf(user.resource, user.externalId, managerId);
};

/** Gives a user a manager, without a new version: for one made in this transaction. Throws Problem invalidValue. */
export const setManager = (tx: Tx, id: string, managerId: string): Promise<unknown> =>
  withManagerThere(tx.query('UPDATE user_ SET manager_id = $2 WHERE id = $1', [id, managerId]));

/** A user as a client wrote it last, under proper names; its row stays locked. */
export interface LockedUser {
  version: number;
  resource: Record<string, unknown>;
  attributes: Attributes;
}

/** Not FOR UPDATE: a user whose manager this is made at the same time is no reason to wait, nor two who name each other. */
export const lockUser = async (tx: Tx, id: string): Promise<LockedUser | null> => {
  const [row] = await tx.query<{
    version: string;
    external_id: string | null;
    user_name: string;
    manager_id: string | null;
    resource: Record<string, unknown>;
  }>(
    'SELECT version, external_id, user_name, manager_id, resource FROM user_ WHERE id = $1 FOR NO KEY UPDATE',
    [id],
  );
  if (!row) return null;
  const { external_id: externalId, user_name: userName, manager_id: manager, resource } = row;
  const enterprise = {
    ...(resource[enterpriseUrn] as object | undefined),
    ...(manager === null ? {} : { manager: { value: manager } }),
  };
  return {
    version: Number(row.version),
    attributes: attributesOf({ ...resource, userName }, externalId, manager),
    resource: {
      ...resource,
      userName,
      ...(externalId === null ? {} : { externalId }),
      ...(Object.keys(enterprise).length > 0 ? { [enterpriseUrn]: enterprise } : {}),
    },
  };
};

/** What went with a user who is deleted. */
export interface Departure {
  /** Those whose manager this was: they have none now. */
  reports: string[];
  /** Those that the user was in. */
  groups: string[];
  /** Those that were not over. */
  delegations: FactContents['delegation.ended'][];
}

/**
 * Deletes a user. Groups are locked before users, as everywhere. The versions of reports and groups are raised. Null when there
 * is no such user.
 */
export const deleteUser = async (
  tx: Tx,
  id: string,
  check: (version: number) => void,
): Promise<Departure | null> => {
  await tx.query(
    'SELECT 1 FROM group_ WHERE id IN (SELECT group_id FROM membership WHERE user_id = $1) ORDER BY id FOR UPDATE',
    [id],
  );
  const locked = await tx.query<{ id: string; version: string }>(
    'SELECT id, version FROM user_ WHERE id = $1 OR manager_id = $1 ORDER BY id FOR UPDATE',
    [id],
  );
  const user = locked.find((row) => row.id === id);
  if (!user) return null;
  check(Number(user.version));
  const reports = await tx.query<{ id: string }>(
    `UPDATE user_ SET manager_id = NULL, version = version + 1, changed_at = now()
      WHERE manager_id = $1 AND id <> $1 RETURNING id`,
    [id],
  );
  const groups = await tx.query<{ id: string }>(
    `UPDATE group_ g SET version = g.version + 1, changed_at = now()
       FROM membership m
      WHERE m.user_id = $1 AND g.id = m.group_id RETURNING g.id`,
    [id],
  );
  const delegations = await endDelegationsOf(tx, id);
  await tx.query('DELETE FROM user_ WHERE id = $1', [id]);
  return { reports: reports.map((row) => row.id), groups: groups.map((row) => row.id), delegations };
};

/** Users by id, in the order asked for. */
export const usersById = (sql: Sql, ids: readonly string[]): Promise<UserRow[]> =>
  sql.query<UserRow>(
    `SELECT u.id, u.external_id, u.user_name, u.display_name, u.active, u.manager_id, u.resource, u.version,
            u.created_at, u.changed_at, boss.display_name AS manager_name, coalesce(member.groups, '[]') AS groups
       FROM user_ u
       LEFT JOIN user_ boss ON boss.id = u.manager_id
       LEFT JOIN LATERAL (
         WITH RECURSIVE around (id, type) AS (
           SELECT m.group_id, 'direct' FROM membership m WHERE m.user_id = u.id
           UNION
           SELECT n.group_id, 'indirect' FROM around a
            CROSS JOIN LATERAL (SELECT k.group_id FROM group_nesting k WHERE k.member_id = a.id OFFSET 0) n
         ), best AS (SELECT id, min(type) AS type FROM around GROUP BY id)
         SELECT json_agg(json_build_object('value', g.id, 'display', g.display_name, 'type', b.type) ORDER BY g.id) AS groups
           FROM best b JOIN group_ g ON g.id = b.id
       ) member ON true
      WHERE u.id = ANY ($1::uuid[])
      ORDER BY array_position($1::uuid[], u.id)`,
    [ids],
  );
