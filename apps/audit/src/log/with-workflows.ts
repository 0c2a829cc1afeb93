import type { Sql } from '@countersign/persistence';
import type { LogEntry } from './log-entry';

/** An entry about a request is its workflow's: for keys that may see some workflows only, and for how long it is kept. */
export const withWorkflows = async (sql: Sql, entries: readonly LogEntry[]): Promise<LogEntry[]> => {
  const requests = new Map(
    entries.flatMap(({ workspaceId, requestId, workflowKey }) =>
      requestId !== null && workflowKey === null ? [[requestId, workspaceId] as const] : [],
    ),
  );
  if (requests.size === 0) return [...entries];
  const rows = await sql.query<{ request_id: string; workflow_key: string }>(
    `SELECT r.request_id, e.workflow_key FROM unnest($1::uuid[], $2::uuid[]) AS r (request_id, workspace_id)
      CROSS JOIN LATERAL (SELECT workflow_key FROM entry WHERE workspace_id = r.workspace_id AND request_id = r.request_id
                             AND workflow_key IS NOT NULL ORDER BY index LIMIT 1) e`,
    [[...requests.keys()], [...requests.values()]],
  );
  const keys = new Map(rows.map((row) => [row.request_id, row.workflow_key]));
  return entries.map((entry) => ({
    ...entry,
    workflowKey: entry.workflowKey ?? (entry.requestId === null ? null : (keys.get(entry.requestId) ?? null)),
  }));
};
