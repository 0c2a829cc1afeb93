import { isUuid } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { askable, refKey, type DirectoryRef } from './directory-ref';
import { personColumns, type PersonRow } from './user.rows';

export interface MatchedGroup {
  id: string;
  displayName: string;
  version: number;
  members: PersonRow[];
}

/** A group that a ref may mean. */
export interface NamedGroup {
  [column: string]: unknown;
  workspace_id: string;
  ref: string;
  id: string;
  display_name: string;
  version: string;
  /** The ref is its displayName and neither its id nor its externalId. */
  by_name: boolean;
}

/** Every group that a ref may mean, for any number of refs at once; a group once for each ref. */
export const namedGroups = async (sql: Sql, refs: readonly DirectoryRef[]): Promise<NamedGroup[]> => {
  const asked = askable(refs);
  if (asked.length === 0) return [];
  return sql.query<NamedGroup>(
    // Looked up ref by ref, as users are.
    `WITH asked AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS a (workspace_id, ref, id)
     ), matched AS (
       SELECT a.ref, g.* FROM asked a
        CROSS JOIN LATERAL (
          SELECT k.*, true AS by_name FROM group_ k
           WHERE k.display_name = a.ref AND (k.workspace_id = a.workspace_id) IS TRUE
          UNION ALL
          SELECT k.*, false FROM group_ k WHERE k.external_id = a.ref AND (k.workspace_id = a.workspace_id) IS TRUE
          UNION ALL
          SELECT k.*, false FROM group_ k WHERE k.id = a.id AND (k.workspace_id = a.workspace_id) IS TRUE
          OFFSET 0
        ) g
     )
     SELECT DISTINCT ON (ref, id) workspace_id, ref, id, display_name, version, by_name
       FROM matched ORDER BY ref, id, by_name`,
    [
      asked.map(({ workspaceId }) => workspaceId),
      asked.map(({ ref }) => ref),
      asked.map(({ ref }) => (isUuid(ref) ? ref : null)),
    ],
  );
};

/** The ids of every group that a ref may mean, for any number of refs at once, under `refKey`. */
export const groupIds = async (sql: Sql, refs: readonly DirectoryRef[]): Promise<Map<string, string[]>> => {
  const ids = new Map<string, string[]>();
  for (const { workspace_id: workspaceId, ref, id } of await namedGroups(sql, refs)) {
    const key = refKey({ workspaceId, ref });
    ids.set(key, [...(ids.get(key) ?? []), id]);
  }
  return ids;
};

/**
 * Every group that a ref may mean, for any number of refs at once, under `refKey`; with the members of those refs
 * that mean exactly one, those of groups within it too.
 */
export const matchGroups = async (
  sql: Sql,
  refs: readonly DirectoryRef[],
): Promise<Map<string, MatchedGroup[]>> => {
  const matches = new Map<string, MatchedGroup[]>();
  const groups = new Map<string, MatchedGroup>();
  const rows = await namedGroups(sql, refs);
  for (const row of rows) {
    const group = groups.get(row.id) ?? {
      id: row.id,
      displayName: row.display_name,
      version: Number(row.version),
      members: [],
    };
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
  wanted: readonly NamedGroup[],
  groups: ReadonlyMap<string, MatchedGroup>,
): Promise<void> => {
  // Looked up one by one: how many are within is not known beforehand, and the planner would read all memberships and users.
  const members = await sql.query<PersonRow & { group_id: string }>(
    `WITH RECURSIVE within (group_id, id) AS (
       SELECT g.id, g.id FROM unnest($1::uuid[]) AS g (id)
       UNION
       SELECT w.group_id, n.member_id FROM within w
        CROSS JOIN LATERAL (SELECT k.member_id FROM group_nesting k WHERE k.group_id = w.id OFFSET 0) n
     ), member AS (
       SELECT DISTINCT w.group_id, m.user_id FROM within w
        CROSS JOIN LATERAL (SELECT k.user_id FROM membership k WHERE k.group_id = w.id OFFSET 0) m
     )
     SELECT member.group_id, ${personColumns}
       FROM member CROSS JOIN LATERAL (SELECT * FROM user_ k WHERE k.id = member.user_id OFFSET 0) u
      ORDER BY u.id`,
    [[...new Set(wanted.map((row) => row.id))]],
  );
  for (const member of members) groups.get(member.group_id)?.members.push(member);
};
