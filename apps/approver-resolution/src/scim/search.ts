import type { Sql } from '@countersign/persistence';
import { filterCondition, type FilterCondition } from './filter-condition';
import { anyGroupFields, anyUserFields, groupFields, userFields, type Fields } from './filter-fields';
import type { ListQuery } from './list-query';
import { invalid } from './scim-problem';
import { sortKey, textKey } from './sort-key';
import { isStatementTimeout } from './statement-timeout';

type Asked = Pick<ListQuery, 'filter' | 'sorting' | 'startIndex' | 'count'>;

export interface Page {
  total: number;
  found: { kind: 'User' | 'Group'; id: string }[];
}

interface Kind {
  name: 'User' | 'Group';
  table: 'user_' | 'group_';
  fields: Fields;
}
const users: Kind = { name: 'User', table: 'user_', fields: userFields };
const groups: Kind = { name: 'Group', table: 'group_', fields: groupFields };

const everything = (parameters: readonly string[]): FilterCondition => ({
  condition: 'true',
  parameters: [...parameters],
});

const conditionOf = (filter: string | null, fields: Fields, parameters: readonly string[] = []) =>
  filter === null ? everything(parameters) : filterCondition(filter, fields, parameters);

/** A search reads the workspace with a connection of the pool that everybody shares. */
const longestMs = 10_000;

const pageText = `
  WITH hit AS MATERIALIZED (
    SELECT f.kind, f.id, f.n FROM found_ids($1, $2, $3) WITH ORDINALITY AS f (kind, id, n)
  ), page AS (SELECT * FROM hit ORDER BY n OFFSET $4 LIMIT $5)
  SELECT (SELECT count(*) FROM hit) AS total,
         (SELECT coalesce(json_agg(json_build_object('kind', kind, 'id', id) ORDER BY n), '[]') FROM page) AS found`;

const pageOf = async (
  sql: Sql,
  statement: string,
  workspaceId: string,
  parameters: readonly string[],
  { startIndex, count }: Asked,
): Promise<Page> => {
  // It travels with the search; were it to fail, so would that.
  sql.query(`SELECT set_config('statement_timeout', '${longestMs}', true)`).catch(() => undefined);
  const found = sql.query<{ total: string; found: Page['found'] }>(pageText, [
    statement,
    workspaceId,
    parameters,
    startIndex - 1,
    count,
  ]);
  const [row] = await found.catch((error: unknown) => {
    if (isStatementTimeout(error))
      throw invalid('tooMany', 'The search takes too long: ask for less (RFC 7644 §3.12).');
    throw error;
  });
  return { total: Number(row?.total ?? 0), found: row?.found ?? [] };
};

/** A statement that finds one type. Ids are of version 7, so the order without sorting is that of creation. */
const oneType = ({ name, table, fields }: Kind, { filter, sorting }: Asked) => {
  const { condition, parameters } = conditionOf(filter, fields);
  const direction = sorting?.order === 'descending' ? 'DESC' : 'ASC';
  // A missing value is last in ascending order and first in descending: so it is in PostgreSQL too.
  const order = sorting ? `${sortKey(sorting.by, fields)} ${direction}, t.id` : 't.id';
  return {
    statement: `SELECT '${name}', t.id FROM ${table} t WHERE t.workspace_id = $1 AND (${condition}) ORDER BY ${order}`,
    parameters,
  };
};

const bothTypes = ({ filter, sorting }: Asked) => {
  const ofUsers = conditionOf(filter, anyUserFields);
  const ofGroups = conditionOf(filter, anyGroupFields, ofUsers.parameters);
  const direction = sorting?.order === 'descending' ? 'DESC' : 'ASC';
  const part = (kind: Kind, fields: Fields, condition: string) =>
    `SELECT '${kind.name}' AS kind, t.id, ${sorting ? textKey(sorting.by, fields) : 'NULL::text'} AS key
       FROM ${kind.table} t WHERE t.workspace_id = $1 AND (${condition})`;
  return {
    statement: `SELECT kind, id FROM (
      ${part(users, anyUserFields, ofUsers.condition)} UNION ALL ${part(groups, anyGroupFields, ofGroups.condition)}
    ) any_ ORDER BY key COLLATE "C" ${direction}, id`,
    parameters: ofGroups.parameters,
  };
};

/**
 * A page of the users, the groups or both that fit a filter, and how many do. Statements are made before anything is asked:
 * Problem invalidFilter and invalidValue need no database.
 */
export const search = (type: 'User' | 'Group' | 'any', workspaceId: string, asked: Asked) => {
  const { statement, parameters } =
    type === 'any' ? bothTypes(asked) : oneType(type === 'User' ? users : groups, asked);
  return (sql: Sql): Promise<Page> => pageOf(sql, statement, workspaceId, parameters, asked);
};
