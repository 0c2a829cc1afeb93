import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';

/** Counters of one workspace. Writers on different connections hardly ever share one, so none waits for another's commit. */
const slots = 16;

/**
 * Counts a change of a workspace's directory, which makes it a version of its own. To be called once everything else of
 * the transaction has been locked: whoever waits for a counter then waits for nothing but a commit.
 */
export const countChange = (tx: Tx, workspaceId: string): void =>
  tx.write(
    `INSERT INTO directory_change AS c (workspace_id, slot, changes) VALUES ($1, pg_backend_pid() % ${slots}, 1)
     ON CONFLICT (workspace_id, slot) DO UPDATE SET changes = c.changes + 1`,
    [workspaceId],
  );

/** The version of a directory is the number of changes that have been committed to it. */
export type DirectoryVersions = ReadonlyMap<string, number>;

/**
 * The versions of these workspaces' directories, 0 where there is none. What later statements of the transaction read
 * contains every change up to it, and maybe more.
 */
export const directoryVersions = async (
  sql: Sql,
  workspaceIds: readonly string[],
): Promise<DirectoryVersions> => {
  const rows = await sql.query<{ workspace_id: string; version: string }>(
    `SELECT workspace_id, sum(changes) AS version FROM directory_change
      WHERE workspace_id = ANY ($1::uuid[]) GROUP BY workspace_id`,
    [[...new Set(workspaceIds)]],
  );
  return new Map(rows.map((row) => [row.workspace_id, Number(row.version)]));
};
