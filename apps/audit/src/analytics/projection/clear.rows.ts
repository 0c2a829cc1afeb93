import type { Sql } from '@countersign/persistence';

const tables = [
  'analytics_measure',
  'analytics_cell',
  'analytics_period',
  'analytics_waiting',
  'analytics_request',
] as const;

/** Rows of a table that go in one transaction. */
const mostAtOnce = 20_000;

/** Has everything made anew: what there is goes first, bit by bit, then the log is read from its beginning. */
export const askForRebuild = async (sql: Sql, workspaceId: string): Promise<void> => {
  await sql.query(
    `INSERT INTO analytics_position (workspace_id, clearing) VALUES ($1, true)
     ON CONFLICT (workspace_id) DO UPDATE SET clearing = true, next_index = 0`,
    [workspaceId],
  );
};

/** Removes some of what there is; true once nothing is left. */
export const clearSome = async (sql: Sql, workspaceId: string): Promise<boolean> => {
  for (const table of tables) {
    const gone = await sql.query(
      `DELETE FROM ${table} WHERE workspace_id = $1
          AND ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE workspace_id = $1 LIMIT ${mostAtOnce})) RETURNING 1`,
      [workspaceId],
    );
    if (gone.length === mostAtOnce) return false;
  }
  await sql.query('UPDATE analytics_position SET clearing = false, next_index = 0 WHERE workspace_id = $1', [
    workspaceId,
  ]);
  return true;
};
