import type { TransactionSql } from '@countersign/persistence';

/**
 * Takes region and department from what is kept of these requests, for an erasure. What has been added up stays: it names
 * nobody. Measures of a request that still runs come without them from then on.
 */
export const forgetRequesters = (
  sql: TransactionSql,
  workspaceId: string,
  requestIds: readonly string[],
): void => {
  const values = [workspaceId, requestIds];
  for (const table of ['analytics_measure', 'analytics_waiting'])
    sql.write(
      `UPDATE ${table} SET region = NULL, department = NULL
        WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[]) AND (region IS NOT NULL OR department IS NOT NULL)`,
      values,
    );
  sql.write(
    `UPDATE analytics_request
        SET run = (run::jsonb || '{"region": null, "department": null}')::json,
            waiting = (SELECT json_agg(entry::jsonb || '{"region": null, "department": null}') FROM json_array_elements(waiting) AS entry)
      WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[]) AND (run IS NOT NULL OR waiting IS NOT NULL)`,
    values,
  );
};
