import type { DirectoryPerson, Person } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

/** Columns of `user_ u` that make a Person, whether that person may be asked for anything, and as of which change. */
export const personColumns =
  'u.workspace_id, u.id, u.external_id, u.user_name, u.display_name, u.email, u.active, u.version';

export interface PersonRow {
  [column: string]: unknown;
  workspace_id: string;
  id: string;
  external_id: string | null;
  user_name: string;
  display_name: string;
  email: string | null;
  active: boolean;
  version: string;
}

export const personOf = (row: PersonRow): Person => ({
  id: row.id,
  externalId: row.external_id,
  userName: row.user_name,
  displayName: row.display_name,
  email: row.email,
});

interface DirectoryRow extends PersonRow {
  department: string | null;
  region: string | null;
  approval_limit: number | null;
  manager_id: string | null;
  /** Those that the person is in directly. */
  group_ids: string[];
  language: string | null;
  locale: string | null;
  timezone: string | null;
}

interface GroupAround {
  [column: string]: unknown;
  start: string;
  id: string;
  display_name: string;
}

const directoryPersonOf = (row: DirectoryRow, groups: readonly string[]): DirectoryPerson => ({
  ...personOf(row),
  active: row.active,
  department: row.department,
  region: row.region,
  approvalLimit: row.approval_limit,
  groups: [...groups],
  manager: row.manager_id,
  version: Number(row.version),
  reading: { language: row.language, locale: row.locale, timezone: row.timezone },
});

/**
 * People as the directory hands them out, with the groups that they are in directly or through other groups, in the
 * order of their ids; who is not there is left out.
 */
export const directoryPeople = async (sql: Sql, ids: readonly string[]): Promise<DirectoryPerson[]> => {
  if (ids.length === 0) return [];
  // People first, groups second: what is said of a version is as new as it, or newer.
  const [rows, around] = await Promise.all([
    sql.query<DirectoryRow>(
      `SELECT ${personColumns}, u.department, u.region, u.approval_limit, u.manager_id,
              u.resource ->> 'preferredLanguage' AS language, u.resource ->> 'locale' AS locale, u.resource ->> 'timezone' AS timezone,
              ARRAY(SELECT m.group_id FROM membership m WHERE m.user_id = u.id) AS group_ids
         FROM user_ u WHERE u.id = ANY ($1::uuid[])
        ORDER BY u.id`,
      [ids],
    ),
    groupsAround(sql, ids),
  ]);
  return rows.map((row) => directoryPersonOf(row, namesOf(row.group_ids, around)));
};

/**
 * For each group that one of these people is in, that group and those around it. Once for all of them: a walk for each
 * of 10,000 people who join one group takes a minute.
 */
const groupsAround = async (sql: Sql, ids: readonly string[]): Promise<Map<string, GroupAround[]>> => {
  const rows = await sql.query<GroupAround>(
    `WITH RECURSIVE around (start, id) AS (
       SELECT m.group_id, m.group_id FROM unnest($1::uuid[]) AS p (id)
        CROSS JOIN LATERAL (SELECT k.group_id FROM membership k WHERE k.user_id = p.id OFFSET 0) m
       UNION
       SELECT a.start, n.group_id FROM around a
        CROSS JOIN LATERAL (SELECT k.group_id FROM group_nesting k WHERE k.member_id = a.id OFFSET 0) n
     )
     SELECT a.start, a.id, g.display_name FROM around a
      CROSS JOIN LATERAL (SELECT k.display_name FROM group_ k WHERE k.id = a.id OFFSET 0) g`,
    [ids],
  );
  const around = new Map<string, GroupAround[]>();
  for (const row of rows) {
    const known = around.get(row.start);
    if (known) known.push(row);
    else around.set(row.start, [row]);
  }
  return around;
};

/** Names of all these groups and of those around them, in order; of two groups with one name, both. */
const namesOf = (
  starts: readonly string[],
  around: ReadonlyMap<string, readonly GroupAround[]>,
): string[] => {
  const names = new Map<string, string>();
  for (const start of starts)
    for (const { id, display_name } of around.get(start) ?? []) names.set(id, display_name);
  return [...names.values()].sort();
};
