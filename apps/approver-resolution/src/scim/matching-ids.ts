import type { Sql } from '@countersign/persistence';
import type { FilterCondition } from './filter-condition';
import type { ListQuery } from './list-query';

export interface Page {
  total: number;
  ids: string[];
}

const everything: FilterCondition = { condition: 'true', parameters: [] };

// Ids are of version 7, so their order is that of creation.
const pageOf = (table: 'user_' | 'group_') => `
  WITH hit AS MATERIALIZED (SELECT id FROM filtered_${table}ids($1, $2, $3) AS f (id)),
       page AS (SELECT id FROM hit ORDER BY id OFFSET $4 LIMIT $5)
  SELECT (SELECT count(*) FROM hit) AS total, coalesce((SELECT array_agg(id ORDER BY id) FROM page), '{}') AS ids`;
const texts = { user_: pageOf('user_'), group_: pageOf('group_') };

/** A page of the ids that fit a filter, and how many do. */
export const matchingIds = async (
  sql: Sql,
  table: 'user_' | 'group_',
  workspaceId: string,
  filter: FilterCondition | null,
  { startIndex, count }: Pick<ListQuery, 'startIndex' | 'count'>,
): Promise<Page> => {
  const { condition, parameters } = filter ?? everything;
  const [row] = await sql.query<{ total: string; ids: string[] }>(texts[table], [
    workspaceId,
    condition,
    parameters,
    startIndex - 1,
    count,
  ]);
  return { total: Number(row?.total ?? 0), ids: row?.ids ?? [] };
};
