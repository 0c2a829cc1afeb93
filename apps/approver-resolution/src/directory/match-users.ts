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
    `WITH asked AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS a (workspace_id, ref, name_key, id)
     ), matched AS (
       SELECT a.ref, u.id FROM asked a
         JOIN user_ u ON u.user_name_key = a.name_key AND (u.workspace_id = a.workspace_id) IS TRUE
       UNION
       SELECT a.ref, u.id FROM asked a
         JOIN user_ u ON u.external_id = a.ref AND (u.workspace_id = a.workspace_id) IS TRUE
       UNION
       SELECT a.ref, u.id FROM asked a
         JOIN user_ u ON u.id = a.id AND (u.workspace_id = a.workspace_id) IS TRUE
     )
     SELECT m.ref, ${personColumns} FROM matched m
       JOIN user_ u ON u.id = m.id
      ORDER BY u.id`,
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
