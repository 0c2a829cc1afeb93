import { isUuid } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { askable, refKey, userNameKey, type DirectoryRef } from './directory-ref';
import { personColumns, type PersonRow } from './user.rows';

/**
 * Every user that a ref may mean, for any number of refs at once, under `refKey`. More than one under a key: the
 * ref is ambiguous. Inactive users are found as well.
 */
export const matchUsers = async (
  sql: Sql,
  refs: readonly DirectoryRef[],
): Promise<Map<string, PersonRow[]>> => {
  const asked = askable(refs);
  const matches = new Map<string, PersonRow[]>();
  if (asked.length === 0) return matches;
  const rows = await sql.query<PersonRow & { ref: string }>(
    // Looked up ref by ref: OFFSET 0 keeps the planner from reading the whole workspace instead, as it does while
    // statistics are still those of an empty table, and always for thousands of refs.
    `SELECT DISTINCT ON (u.id, a.ref) a.ref, ${personColumns}
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS a (workspace_id, ref, name_key, id)
      CROSS JOIN LATERAL (
        SELECT * FROM user_ k WHERE k.user_name_key = a.name_key AND (k.workspace_id = a.workspace_id) IS TRUE
        UNION ALL
        SELECT * FROM user_ k WHERE k.external_id = a.ref AND (k.workspace_id = a.workspace_id) IS TRUE
        UNION ALL
        SELECT * FROM user_ k WHERE k.id = a.id AND (k.workspace_id = a.workspace_id) IS TRUE
        OFFSET 0
      ) u
      ORDER BY u.id, a.ref`,
    [
      asked.map(({ workspaceId }) => workspaceId),
      asked.map(({ ref }) => ref),
      asked.map(({ ref }) => userNameKey(ref)),
      asked.map(({ ref }) => (isUuid(ref) ? ref : null)),
    ],
  );
  for (const row of rows) {
    const key = refKey({ workspaceId: row.workspace_id, ref: row.ref });
    matches.set(key, [...(matches.get(key) ?? []), row]);
  }
  return matches;
};
