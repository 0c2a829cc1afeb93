import type { Sql } from '@countersign/persistence';

/**
 * Forgets what the copy has of somebody who is not active any more; the directory, which owns the record, forgets them as well.
 * Of somebody active nothing changes. Answers how many rows have.
 */
export const forgetPerson = async (sql: Sql, workspaceId: string, id: string): Promise<number> => {
  const rows = await sql.query(
    `UPDATE person SET external_id = NULL, user_name = '', person = NULL
      WHERE workspace_id = $1 AND id = $2 AND NOT active AND person IS NOT NULL RETURNING 1`,
    [workspaceId, id],
  );
  return rows.length;
};
