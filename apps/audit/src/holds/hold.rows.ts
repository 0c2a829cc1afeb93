import type { Sql } from '@countersign/persistence';

/** Holds that keep an erasure from anything: those of the workspace, of its subject, and of any of its requests and workflows. */
export const holdsOfErasure = async (
  sql: Sql,
  workspaceId: string,
  erasureId: string,
  subject: string | null,
): Promise<string[]> => {
  const holds = await activeHolds(sql, workspaceId);
  if (holds.length === 0) return [];
  const rows = await sql.query<{ id: string }>(
    `SELECT h.id FROM hold h
      WHERE h.id = ANY ($1::uuid[])
        AND ((h.request_id IS NULL AND h.subject IS NULL AND h.workflow_key IS NULL) OR h.subject = $3
             OR EXISTS (SELECT FROM erasure_request r WHERE r.erasure_id = $2 AND r.request_id = h.request_id)
             OR (h.workflow_key IS NOT NULL
                 AND (EXISTS (SELECT FROM erasure_request r WHERE r.erasure_id = $2 AND r.workflow_key = h.workflow_key)
                      OR EXISTS (SELECT FROM erasure x WHERE x.id = $2 AND h.workflow_key = ANY (x.workflow_keys))))
             OR (h.subject IS NOT NULL
                 AND EXISTS (SELECT FROM sealed s JOIN entry e ON e.workspace_id = s.workspace_id AND e.index = s.index
                               JOIN erasure_request r ON r.erasure_id = $2 AND r.request_id = e.request_id
                              WHERE s.workspace_id = $4 AND s.subject = h.subject)))
      ORDER BY h.id`,
    [holds, erasureId, subject, workspaceId],
  );
  return rows.map(({ id }) => id);
};

/** Where everybody in some requests is erased, a hold keeps the requests that it covers, and no others. */
export const leaveOutHeld = async (sql: Sql, workspaceId: string, erasureId: string): Promise<void> => {
  if ((await activeHolds(sql, workspaceId)).length === 0) return;
  await sql.query(
    `DELETE FROM erasure_request WHERE erasure_id = $2 AND state = 'ready' AND is_held($1, request_id, workflow_key)`,
    [workspaceId, erasureId],
  );
};

const activeHolds = async (sql: Sql, workspaceId: string): Promise<string[]> =>
  (
    await sql.query<{ id: string }>(
      'SELECT id FROM hold WHERE workspace_id = $1 AND released_at IS NULL FOR SHARE',
      [workspaceId],
    )
  ).map(({ id }) => id);
