import type { Sql } from '@countersign/persistence';
import { askable, refKey, roleKey, type DirectoryRef } from './directory-ref';
import { personColumns, type PersonRow } from './user.rows';

/** A role under which `matchRoles` keeps those who have it. */
export const roleRef = ({ workspaceId, ref }: DirectoryRef): DirectoryRef => ({
  workspaceId,
  ref: roleKey(ref),
});

/** Everybody who has a role, active or not, for any number of roles at once, under the `refKey` of `roleRef`. */
export const matchRoles = async (
  sql: Sql,
  roles: readonly DirectoryRef[],
): Promise<Map<string, PersonRow[]>> => {
  const asked = askable(roles.map(roleRef));
  const matches = new Map<string, PersonRow[]>();
  if (asked.length === 0) return matches;
  const rows = await sql.query<PersonRow & { role_key: string }>(
    `SELECT r.role_key, ${personColumns}
       FROM unnest($1::uuid[], $2::text[]) AS a (workspace_id, role_key)
       JOIN user_role r ON r.role_key = a.role_key AND (r.workspace_id = a.workspace_id) IS TRUE
       JOIN user_ u ON u.id = r.user_id
      ORDER BY u.id`,
    [asked.map(({ workspaceId }) => workspaceId), asked.map(({ ref }) => ref)],
  );
  for (const row of rows) {
    const key = refKey({ workspaceId: row.workspace_id, ref: row.role_key });
    const known = matches.get(key);
    if (known) known.push(row);
    else matches.set(key, [row]);
  }
  return matches;
};
