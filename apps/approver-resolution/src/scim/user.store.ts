import type { Tx } from '@countersign/messaging';
import { isUniqueViolation, type Sql } from '@countersign/persistence';
import { refKey, roleKey, userNameKey } from '../directory/directory-ref';
import { matchUsers } from '../directory/match-users';
import type { UserInput } from './read-user';
import { invalid, notUnique } from './scim-problem';

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
  groups: { value: string; display: string }[];
  version: string;
  created_at: Date;
  changed_at: Date;
}

const takenName = (userName: string) => notUnique(`There is already a user named ${userName}.`);

/** The id of the one user that a manager's ref means. */
const managerOf = async (tx: Tx, workspaceId: string, ref: string | null): Promise<string | null> => {
  if (ref === null) return null;
  const found = (await matchUsers(tx, [{ workspaceId, ref }])).get(refKey({ workspaceId, ref })) ?? [];
  if (found.length === 1) return found[0]?.id ?? null;
  throw invalid(
    'invalidValue',
    found.length === 0 ? 'manager names nobody in this workspace.' : 'manager names more than one user.',
  );
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
  [...new Set(user.roles.map(roleKey))],
];

/** A manager who was deleted since they were looked up. */
const withManagerThere = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (error instanceof Error && 'constraint' in error && error.constraint === 'manager_is_user') {
      throw invalid('invalidValue', 'manager names nobody in this workspace.');
    }
    throw error;
  });

/** Throws Problem uniqueness, invalidValue. */
export const insertUser = async (tx: Tx, workspaceId: string, id: string, user: UserInput): Promise<void> => {
  const managerId = await managerOf(tx, workspaceId, user.managerRef);
  const rows = await withManagerThere(
    tx.query(
      `WITH made AS (
         INSERT INTO user_ (workspace_id, id, external_id, user_name, user_name_key, display_name, email, active,
                            department, region, approval_limit, manager_id, resource)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT ON CONSTRAINT one_user_per_name DO NOTHING RETURNING workspace_id, id
       ), roles AS (
         INSERT INTO user_role (workspace_id, user_id, role_key)
         SELECT made.workspace_id, made.id, role_key FROM made, unnest($14::text[]) AS r (role_key)
       )
       SELECT id FROM made`,
      valuesOf(workspaceId, id, user, managerId),
    ),
  );
  if (rows.length === 0) throw takenName(user.userName);
};

/** Replaces a user that the caller has locked. Throws Problem uniqueness, invalidValue. */
export const replaceUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  user: UserInput,
): Promise<void> => {
  const managerId = await managerOf(tx, workspaceId, user.managerRef);
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
};

/** The version of a user, whose row stays locked; null when there is none. */
export const lockUser = async (tx: Tx, id: string): Promise<number | null> => {
  const [row] = await tx.query<{ version: string }>('SELECT version FROM user_ WHERE id = $1 FOR UPDATE', [
    id,
  ]);
  return row ? Number(row.version) : null;
};

/**
 * Deletes a user. Groups are locked before users, as everywhere. Returns those whose manager this was: they have
 * none now, and their versions are raised. Null when there is no such user.
 */
export const deleteUser = async (
  tx: Tx,
  id: string,
  check: (version: number) => void,
): Promise<string[] | null> => {
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
  await tx.query(
    `UPDATE group_ g SET version = g.version + 1, changed_at = now()
       FROM membership m
      WHERE m.user_id = $1 AND g.id = m.group_id`,
    [id],
  );
  await tx.query('DELETE FROM user_ WHERE id = $1', [id]);
  return reports.map((row) => row.id);
};

/** Users by id, in the order of their ids. */
export const usersById = (sql: Sql, ids: readonly string[]): Promise<UserRow[]> =>
  sql.query<UserRow>(
    `SELECT u.id, u.external_id, u.user_name, u.display_name, u.active, u.manager_id, u.resource, u.version,
            u.created_at, u.changed_at, boss.display_name AS manager_name, coalesce(member.groups, '[]') AS groups
       FROM user_ u
       LEFT JOIN user_ boss ON boss.id = u.manager_id
       LEFT JOIN LATERAL (
         SELECT json_agg(json_build_object('value', g.id, 'display', g.display_name) ORDER BY g.id) AS groups
           FROM membership m JOIN group_ g ON g.id = m.group_id
          WHERE m.user_id = u.id
       ) member ON true
      WHERE u.id = ANY ($1::uuid[])
      ORDER BY u.id`,
    [ids],
  );
