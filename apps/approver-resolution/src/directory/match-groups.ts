import { isUuid } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { askable, refKey, type DirectoryRef } from './directory-ref';
import { personColumns, type PersonRow } from './user.rows';

export interface MatchedGroup {
  id: string;
  displayName: string;
  members: PersonRow[];
}

interface GroupRow {
  [column: string]: unknown;
  workspace_id: string;
  ref: string;
  id: string;
  display_name: string;
}

const groupRows = async (sql: Sql, refs: readonly DirectoryRef[]): Promise<GroupRow[]> => {
  const asked = askable(refs);
  if (asked.length === 0) return [];
  return sql.query<GroupRow>(
    `WITH asked AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS a (workspace_id, ref, id)
     ), matched AS (
       SELECT a.ref, g.id FROM asked a
         JOIN group_ g ON g.display_name = a.ref AND (g.workspace_id = a.workspace_id) IS TRUE
       UNION
       SELECT a.ref, g.id FROM asked a
         JOIN group_ g ON g.external_id = a.ref AND (g.workspace_id = a.workspace_id) IS TRUE
       UNION
       SELECT a.ref, g.id FROM asked a
         JOIN group_ g ON g.id = a.id AND (g.workspace_id = a.workspace_id) IS TRUE
     )
     SELECT g.workspace_id, m.ref, m.id, g.display_name FROM matched m JOIN group_ g ON g.id = m.id`,
    [
      asked.map(({ workspaceId }) => workspaceId),
      asked.map(({ ref }) => ref),
      asked.map(({ ref }) => (isUuid(ref) ? ref : null)),
    ],
  );
};

/** How many groups each ref may mean, for any number of refs at once, under `refKey`. */
export const countGroups = async (sql: Sql, refs: readonly DirectoryRef[]): Promise<Map<string, number>> => {
  const counts = new Map<string, number>();
  for (const row of await groupRows(sql, refs)) {
    const key = refKey({ workspaceId: row.workspace_id, ref: row.ref });
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
};

/**
 * Every group that a ref may mean, for any number of refs at once, under `refKey`; with the members of those refs
 * that mean exactly one.
 */
export const matchGroups = async (
  sql: Sql,
  refs: readonly DirectoryRef[],
): Promise<Map<string, MatchedGroup[]>> => {
  const matches = new Map<string, MatchedGroup[]>();
  const groups = new Map<string, MatchedGroup>();
  const rows = await groupRows(sql, refs);
  for (const row of rows) {
    const group = groups.get(row.id) ?? { id: row.id, displayName: row.display_name, members: [] };
    groups.set(row.id, group);
    const key = refKey({ workspaceId: row.workspace_id, ref: row.ref });
    matches.set(key, [...(matches.get(key) ?? []), group]);
  }
  const single = rows.filter(
    (row) => matches.get(refKey({ workspaceId: row.workspace_id, ref: row.ref }))?.length === 1,
  );
  if (single.length > 0) await addMembers(sql, single, groups);
  return matches;
};

const addMembers = async (
  sql: Sql,
  wanted: readonly GroupRow[],
  groups: ReadonlyMap<string, MatchedGroup>,
): Promise<void> => {
  const members = await sql.query<PersonRow & { group_id: string }>(
    `SELECT m.group_id, ${personColumns}
       FROM membership m JOIN user_ u ON u.id = m.user_id
      WHERE m.group_id = ANY ($1::uuid[])
      ORDER BY u.id`,
    [[...new Set(wanted.map((row) => row.id))]],
  );
  for (const member of members) groups.get(member.group_id)?.members.push(member);
};
