import type { Sql } from '@countersign/persistence';
import { sizeOfHead } from '../../log/size-of-head';

/** How much of the log the numbers rest on. */
export interface Progress {
  /** The first so many entries. */
  entries: number;
  /** These are all there are. */
  complete: boolean;
}

export const readProgress = async (sql: Sql, workspaceId: string): Promise<Progress> => {
  const [row] = await sql.query<{ size: string; next_index: string | null; clearing: boolean | null }>(
    `SELECT ${sizeOfHead('h')} AS size, p.next_index, p.clearing
       FROM log_head h LEFT JOIN analytics_position p USING (workspace_id) WHERE workspace_id = $1`,
    [workspaceId],
  );
  const entries = Number(row?.next_index ?? 0);
  return { entries, complete: entries >= Number(row?.size ?? 0) && !row?.clearing };
};
