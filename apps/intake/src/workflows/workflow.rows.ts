import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

/** A version of a workflow as callers see it. */
export interface WorkflowVersionView {
  id: string;
  key: string;
  version: number;
  state: 'draft' | 'published' | 'retired';
  title: string;
  definition: Record<string, unknown>;
  /** The definition exactly as its author gave it. */
  text: string;
  mediaType: string;
  createdAt: string;
  createdBy: Actor;
  publishedAt: string | null;
  publishedBy: Actor | null;
  note: string | null;
}

type Row = Omit<WorkflowVersionView, 'createdAt' | 'publishedAt'> & {
  createdAt: Date;
  publishedAt: Date | null;
  [column: string]: unknown;
};

const columns = `w.id, w.key, v.version, v.state, v.title, v.definition, v.source_text AS text, v.media_type AS "mediaType",
  v.created_at AS "createdAt", v.created_by AS "createdBy", v.published_at AS "publishedAt", v.published_by AS "publishedBy", v.note`;

const view = (row: Row): WorkflowVersionView => ({
  id: row.id,
  key: row.key,
  version: row.version,
  state: row.state,
  title: row.title,
  definition: row.definition,
  text: row.text,
  mediaType: row.mediaType,
  createdAt: row.createdAt.toISOString(),
  createdBy: row.createdBy,
  publishedAt: row.publishedAt?.toISOString() ?? null,
  publishedBy: row.publishedBy,
  note: row.note,
});

export const findVersion = async (
  sql: Sql,
  workspaceId: string,
  key: string,
  version: number,
): Promise<WorkflowVersionView | null> => {
  const [row] = await sql.query<Row>(
    `SELECT ${columns} FROM workflow w JOIN workflow_version v ON v.workflow_id = w.id
      WHERE w.workspace_id = $1 AND w.key = $2 AND v.version = $3`,
    [workspaceId, key, version],
  );
  return row ? view(row) : null;
};

/** Versions of one workflow, newest first, below a version number; one more than the page. */
export const listVersions = async (
  sql: Sql,
  workspaceId: string,
  key: string,
  before: number | null,
  limit: number,
): Promise<WorkflowVersionView[]> => {
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM workflow w JOIN workflow_version v ON v.workflow_id = w.id
      WHERE w.workspace_id = $1 AND w.key = $2 AND ($3::int IS NULL OR v.version < $3)
      ORDER BY v.version DESC LIMIT $4`,
    [workspaceId, key, before, limit + 1],
  );
  return rows.map(view);
};

export interface WorkflowSummary {
  id: string;
  key: string;
  title: string;
  publishedVersion: number | null;
  newestVersion: number;
}

const summaryColumns = `w.id, w.key, v.title, w.published_version AS "publishedVersion", w.newest_version AS "newestVersion"`;
const shownVersion = 'v.workflow_id = w.id AND v.version = coalesce(w.published_version, w.newest_version)';

export const findWorkflow = async (
  sql: Sql,
  workspaceId: string,
  key: string,
): Promise<WorkflowSummary | null> => {
  const [row] = await sql.query<WorkflowSummary & Record<string, unknown>>(
    `SELECT ${summaryColumns} FROM workflow w JOIN workflow_version v ON ${shownVersion} WHERE w.workspace_id = $1 AND w.key = $2`,
    [workspaceId, key],
  );
  return row ?? null;
};

export const listWorkflows = (
  sql: Sql,
  workspaceId: string,
  allowed: string[] | null,
  before: string | null,
  limit: number,
): Promise<WorkflowSummary[]> =>
  sql.query<WorkflowSummary & Record<string, unknown>>(
    `SELECT ${summaryColumns} FROM workflow w JOIN workflow_version v ON ${shownVersion}
      WHERE w.workspace_id = $1 AND ($2::uuid IS NULL OR w.id < $2) AND ($3::text[] IS NULL OR w.key = ANY ($3))
      ORDER BY w.id DESC LIMIT $4`,
    [workspaceId, before, allowed, limit + 1],
  );

/** Adds a draft as the next version of its workflow, which comes into being with its first version. */
export const insertDraft = async (
  sql: Sql,
  draft: {
    newWorkflowId: string;
    workspaceId: string;
    key: string;
    title: string;
    definition: unknown;
    text: string;
    mediaType: string;
    createdBy: Actor;
  },
): Promise<number> => {
  const [row] = await sql.query<{ version: number }>(
    `WITH workflow AS (
       INSERT INTO workflow (id, workspace_id, key, newest_version) VALUES ($1, $2, $3, 1)
       ON CONFLICT (workspace_id, key) DO UPDATE SET newest_version = workflow.newest_version + 1
       RETURNING id, newest_version
     )
     INSERT INTO workflow_version (workflow_id, version, workspace_id, state, title, definition, source_text, media_type, created_at, created_by)
     SELECT id, newest_version, $2, 'draft', $4, $5, $6, $7, now(), $8 FROM workflow RETURNING version`,
    [
      draft.newWorkflowId,
      draft.workspaceId,
      draft.key,
      draft.title,
      JSON.stringify(draft.definition),
      draft.text,
      draft.mediaType,
      JSON.stringify(draft.createdBy),
    ],
  );
  if (!row) throw new Error('a draft that was not written');
  return row.version;
};

/** Makes a version the published one and retires the one before; publishing an older one rolls back. */
export const publishVersion = async (
  sql: Sql,
  workflowId: string,
  version: number,
  publishedBy: Actor,
  note: string | null,
): Promise<void> => {
  // One after the other, or two publications at once would both find the older one published.
  await sql.query('SELECT 1 FROM workflow WHERE id = $1 FOR UPDATE', [workflowId]);
  await sql.query(
    `UPDATE workflow_version SET state = 'retired' WHERE workflow_id = $1 AND state = 'published' AND version <> $2`,
    [workflowId, version],
  );
  await sql.query(
    `UPDATE workflow_version SET state = 'published', published_at = now(), published_by = $3, note = $4
      WHERE workflow_id = $1 AND version = $2`,
    [workflowId, version, JSON.stringify(publishedBy), note],
  );
  await sql.query('UPDATE workflow SET published_version = $2 WHERE id = $1', [workflowId, version]);
};
