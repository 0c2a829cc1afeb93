import type { Sql } from '@countersign/persistence';
import { askable, refKey, type DirectoryRef } from './directory-ref';
import { roleRef } from './match-roles';

/** One more than a stage asks: that there are more is all that anybody needs to know. */
const countedUpTo = 1_001;

/** Looked up one by one (OFFSET 0), so that nobody is read beyond the limit: a join would sort or hash all first. */
const whoIsActive = (id: string): string =>
  `CROSS JOIN LATERAL (SELECT 1 FROM user_ k WHERE k.id = ${id} AND k.active OFFSET 0) u`;

/**
 * How many active people each group has, those of groups within it too, at most 1,001, for any number of groups at once. Of
 * each group within as many are looked at: what is beyond changes no answer.
 */
export const countGroupPeople = async (sql: Sql, ids: readonly string[]): Promise<Map<string, number>> => {
  if (ids.length === 0) return new Map();
  const rows = await sql.query<{ group_id: string; people: number }>(
    `WITH RECURSIVE within (group_id, id) AS (
       SELECT g.id, g.id FROM unnest($1::uuid[]) AS g (id)
       UNION
       SELECT w.group_id, n.member_id FROM within w
        CROSS JOIN LATERAL (SELECT k.member_id FROM group_nesting k WHERE k.group_id = w.id OFFSET 0) n
     )
     SELECT w.group_id, least(count(DISTINCT p.user_id), ${countedUpTo})::int AS people
       FROM within w
      CROSS JOIN LATERAL (
        SELECT m.user_id FROM membership m ${whoIsActive('m.user_id')}
         WHERE m.group_id = w.id LIMIT ${countedUpTo}
      ) p
      GROUP BY w.group_id`,
    [ids],
  );
  const people = new Map(rows.map((row) => [row.group_id, row.people]));
  return new Map(ids.map((id) => [id, people.get(id) ?? 0]));
};

/** How many active people have each role, at most 1,001, for any number of roles at once, under the `refKey` of `roleRef`. */
export const countRolePeople = async (
  sql: Sql,
  roles: readonly DirectoryRef[],
): Promise<Map<string, number>> => {
  const asked = askable(roles.map(roleRef));
  if (asked.length === 0) return new Map();
  const rows = await sql.query<{ workspace_id: string; role_key: string; people: number }>(
    `SELECT a.workspace_id, a.role_key, count(p.user_id)::int AS people
       FROM unnest($1::uuid[], $2::text[]) AS a (workspace_id, role_key)
       LEFT JOIN LATERAL (
         SELECT r.user_id FROM user_role r ${whoIsActive('r.user_id')}
          WHERE r.role_key = a.role_key AND (r.workspace_id = a.workspace_id) IS TRUE LIMIT ${countedUpTo}
       ) p ON true
      GROUP BY a.workspace_id, a.role_key`,
    [asked.map(({ workspaceId }) => workspaceId), asked.map(({ ref }) => ref)],
  );
  return new Map(
    rows.map((row) => [refKey({ workspaceId: row.workspace_id, ref: row.role_key }), row.people]),
  );
};
