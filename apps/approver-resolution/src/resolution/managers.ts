import type { Sql } from '@countersign/persistence';
import { personColumns, type PersonRow } from '../directory/user.rows';

export interface Climb {
  workspaceId: string;
  userId: string;
  levels: number;
}

export interface ManagerRow extends PersonRow {
  climb: number;
  /** 1 is the line manager. */
  level: number;
}

/**
 * Managers above users, up to so many levels each, nearest first; `climb` is the index into the climbs. A circle ends
 * where it closes, and nobody is above themselves.
 */
export const managersAbove = async (sql: Sql, climbs: readonly Climb[]): Promise<ManagerRow[]> => {
  if (climbs.length === 0) return [];
  return sql.query<ManagerRow>(
    `WITH RECURSIVE above AS (
       SELECT c.climb::int, c.levels, u.manager_id AS id, 1 AS level, ARRAY[u.id] AS path
         FROM unnest($1::uuid[], $2::uuid[], $3::int[]) WITH ORDINALITY AS c (workspace_id, user_id, levels, climb)
         JOIN user_ u ON u.id = c.user_id AND (u.workspace_id = c.workspace_id) IS TRUE
        WHERE u.manager_id IS NOT NULL AND u.manager_id <> u.id
       UNION ALL
       SELECT a.climb, a.levels, u.manager_id, a.level + 1, a.path || u.id
         FROM above a JOIN user_ u ON u.id = a.id
        WHERE a.level < a.levels AND u.manager_id IS NOT NULL
          AND u.manager_id <> u.id AND u.manager_id <> ALL (a.path)
     )
     SELECT a.climb - 1 AS climb, a.level, ${personColumns}
       FROM above a JOIN user_ u ON u.id = a.id
      ORDER BY a.climb, a.level`,
    [
      climbs.map((climb) => climb.workspaceId),
      climbs.map((climb) => climb.userId),
      climbs.map((climb) => climb.levels),
    ],
  );
};
