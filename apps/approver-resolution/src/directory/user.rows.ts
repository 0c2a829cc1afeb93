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
  groups: string[] | null;
  language: string | null;
  locale: string | null;
  timezone: string | null;
}

const directoryPersonOf = (row: DirectoryRow): DirectoryPerson => ({
  ...personOf(row),
  active: row.active,
  department: row.department,
  region: row.region,
  approvalLimit: row.approval_limit,
  groups: row.groups ?? [],
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
  const rows = await sql.query<DirectoryRow>(
    `SELECT ${personColumns}, u.department, u.region, u.approval_limit, u.manager_id, member.groups,
            u.resource ->> 'preferredLanguage' AS language, u.resource ->> 'locale' AS locale, u.resource ->> 'timezone' AS timezone
       FROM user_ u
       LEFT JOIN LATERAL (
         WITH RECURSIVE around (id) AS (
           SELECT m.group_id FROM membership m WHERE m.user_id = u.id
           UNION
           SELECT n.group_id FROM around a JOIN group_nesting n ON n.member_id = a.id
         )
         SELECT array_agg(g.display_name ORDER BY g.display_name) AS groups
           FROM around a JOIN group_ g ON g.id = a.id
       ) member ON true
      WHERE u.id = ANY ($1::uuid[])
      ORDER BY u.id`,
    [ids],
  );
  return rows.map(directoryPersonOf);
};
