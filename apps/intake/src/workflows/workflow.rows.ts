import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

/** One time that a version was made the one that new requests use. */
export interface Publication {
  publishedAt: string;
  publishedBy: Actor;
  note: string | null;
}

/** A version of a workflow as callers see it. `publishedAt`, `publishedBy` and `note` are of the newest publication. */
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
  /** All of them, oldest first: an older version that is published again is published twice. */
  publications: Publication[];
}

type Row = Omit<WorkflowVersionView, 'createdAt' | 'publishedAt' | 'publications'> & {
  createdAt: Date;
  publishedAt: Date | null;
  publications: { publishedAt: string; publishedBy: Actor; note: string | null }[] | null;
  [column: string]: unknown;
};

const columns = `w.id, w.key, v.version, v.state, v.title, v.definition, v.source_text AS text, v.media_type AS "mediaType",
  v.created_at AS "createdAt", v.created_by AS "createdBy", v.published_at AS "publishedAt", v.published_by AS "publishedBy", v.note,
  (SELECT json_agg(json_build_object('publishedAt', p.published_at, 'publishedBy', p.published_by, 'note', p.note) ORDER BY p.published_at, p.id)
     FROM workflow_publication p WHERE p.workflow_id = v.workflow_id AND p.version = v.version) AS publications`;

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
  publications: (row.publications ?? []).map((publication) => ({
    ...publication,
    publishedAt: new Date(publication.publishedAt).toISOString(),
  })),
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
): Promise<{ workflowId: string; version: number }> => {
  const [row] = await sql.query<{ workflow_id: string; version: number }>(
    `WITH workflow AS (
       INSERT INTO workflow (id, workspace_id, key, newest_version) VALUES ($1, $2, $3, 1)
       ON CONFLICT (workspace_id, key) DO UPDATE SET newest_version = workflow.newest_version + 1
       RETURNING id, newest_version
     )
     INSERT INTO workflow_version (workflow_id, version, workspace_id, state, title, definition, source_text, media_type, created_at, created_by)
     SELECT id, newest_version, $2, 'draft', $4, $5, $6, $7, now(), $8 FROM workflow RETURNING workflow_id, version`,
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
  return { workflowId: row.workflow_id, version: row.version };
};

/** Makes a version the published one and retires the one before; publishing an older one rolls back. */
export const publishVersion = async (
  sql: Sql,
  workflowId: string,
  version: number,
  publication: { id: string; workspaceId: string; publishedBy: Actor; note: string | null },
): Promise<void> => {
  const publishedBy = JSON.stringify(publication.publishedBy);
  // One after the other, or two publications at once would both find the older one published.
  await sql.query('SELECT 1 FROM workflow WHERE id = $1 FOR UPDATE', [workflowId]);
  await sql.query(
    `UPDATE workflow_version SET state = 'retired' WHERE workflow_id = $1 AND state = 'published' AND version <> $2`,
    [workflowId, version],
  );
  await sql.query(
    `UPDATE workflow_version SET state = 'published', published_at = now(), published_by = $3, note = $4
      WHERE workflow_id = $1 AND version = $2`,
    [workflowId, version, publishedBy, publication.note],
  );
  await sql.query(
    `INSERT INTO workflow_publication (id, workspace_id, workflow_id, version, published_at, published_by, note)
     VALUES ($1, $2, $3, $4, now(), $5, $6)`,
    [publication.id, publication.workspaceId, workflowId, version, publishedBy, publication.note],
  );
  await sql.query('UPDATE workflow SET published_version = $2 WHERE id = $1', [workflowId, version]);
};

/** The newest version of each of these workflows, held until the transaction ends: nobody adds another meanwhile. */
export const lockNewestVersions = async (
  sql: Sql,
  workspaceId: string,
  keys: readonly string[],
): Promise<WorkflowVersionView[]> => {
  // Before the versions are read, or one that is being added would be missed.
  await sql.query(
    'SELECT 1 FROM workflow WHERE workspace_id = $1 AND key = ANY ($2::text[]) ORDER BY id FOR UPDATE',
    [workspaceId, keys],
  );
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM workflow w JOIN workflow_version v ON v.workflow_id = w.id AND v.version = w.newest_version
      WHERE w.workspace_id = $1 AND w.key = ANY ($2::text[])`,
    [workspaceId, keys],
  );
  return rows.map(view);
};

/** Of each workflow the published version, else the newest, in the order of their keys, after one; null from the first on. */
export const listShownVersions = async (
  sql: Sql,
  workspaceId: string,
  allowed: string[] | null,
  after: string | null,
  limit: number,
): Promise<WorkflowVersionView[]> => {
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM workflow w JOIN workflow_version v ON ${shownVersion}
      WHERE w.workspace_id = $1 AND ($2::text[] IS NULL OR w.key = ANY ($2))
        AND ($3::text IS NULL OR w.key COLLATE "C" > $3)
      ORDER BY w.key COLLATE "C" LIMIT $4`,
    [workspaceId, allowed, after, limit],
  );
  return rows.map(view);
};
