import type { DirectoryPerson, TaskSnapshot, WorkflowRef } from '@countersign/contracts';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import type { WorkflowDefinition } from '@countersign/workflow';

export interface OpenTask {
  [column: string]: unknown;
  task: TaskSnapshot;
  workflow: WorkflowRef;
  title: string;
  requesterId: string;
  /** The other tasks of the request in which whoever is to get this one has a part. */
  theirs: TaskSnapshot[];
}

/** Open tasks that `from` holds, or that are theirs under a delegation, oldest first. */
export const openTasksOf = (
  sql: Sql,
  workspaceId: string,
  { from, to }: { from: string; to: string },
  allowed: string[] | null,
  limit: number,
): Promise<OpenTask[]> =>
  sql.query<OpenTask>(
    `SELECT t.task, r.snapshot -> 'workflow' AS workflow, r.snapshot ->> 'title' AS title,
            r.snapshot -> 'requester' ->> 'id' AS "requesterId", theirs.tasks AS theirs
       FROM (SELECT t.id, t.task, t.request_id FROM task t
              WHERE t.workspace_id = $1 AND (t.assignee_id = $2 OR t.on_behalf_of_id = $2) AND t.state = 'open'
                AND ($3::text[] IS NULL OR t.workflow_key = ANY ($3))
              ORDER BY t.id LIMIT $4) t
       JOIN request r ON r.id = t.request_id
      CROSS JOIN LATERAL (
        SELECT coalesce(json_agg(o.task), '[]') AS tasks FROM task o
         WHERE o.request_id = t.request_id AND o.id <> t.id AND (o.assignee_id = $5 OR o.on_behalf_of_id = $5)) theirs
      ORDER BY t.id`,
    [workspaceId, from, allowed, limit, to],
  );

/** The definitions that these workflows have in these versions. */
export const definitionsOf = (
  sql: Sql,
  workflows: readonly WorkflowRef[],
): Promise<{ id: string; version: number; definition: WorkflowDefinition }[]> =>
  sql.query(
    `SELECT v.workflow_id AS id, v.version, v.definition
       FROM (SELECT DISTINCT w, n FROM unnest($1::uuid[], $2::int[]) AS r (w, n)) r
       JOIN workflow_version v ON v.workflow_id = r.w AND v.version = r.n`,
    [workflows.map(({ id }) => id), workflows.map(({ version }) => version)],
  );

export interface NamingVersion {
  [column: string]: unknown;
  key: string;
  version: number;
  state: 'draft' | 'published';
  definition: WorkflowDefinition;
  text: string;
  mediaType: string;
  newestText: string;
}

/** What somebody may be called in a definition. */
export const refsOf = ({ id, externalId, userName }: DirectoryPerson): string[] =>
  [id, externalId, userName].filter((ref) => ref !== null);

/**
 * Versions in which one of the refs stands somewhere: the published one of each workflow, and its newest when that is a draft;
 * in the order of keys and versions, after one of them.
 */
export const versionsWith = (
  sql: Sql,
  workspaceId: string,
  refs: readonly string[],
  allowed: string[] | null,
  after: { key: string; version: number } | null,
  limit: number,
): Promise<NamingVersion[]> =>
  sql.query<NamingVersion>(
    `SELECT w.key, v.version, v.state, v.definition, v.source_text AS text, v.media_type AS "mediaType",
            newest.source_text AS "newestText"
       FROM workflow w
       JOIN workflow_version v ON v.workflow_id = w.id
        AND (v.version = w.published_version OR (v.version = w.newest_version AND v.state = 'draft'))
       JOIN workflow_version newest ON newest.workflow_id = w.id AND newest.version = w.newest_version
      WHERE w.workspace_id = $1 AND ($3::text[] IS NULL OR w.key = ANY ($3))
        AND EXISTS (SELECT 1 FROM unnest($2::text[]) AS r (ref) WHERE position(lower(r.ref) IN lower(v.definition::text)) > 0)
        AND ($4::text IS NULL OR (w.key COLLATE "C", v.version) > ($4, $5::int))
      ORDER BY w.key COLLATE "C", v.version LIMIT $6`,
    [workspaceId, refs, allowed, after?.key ?? null, after?.version ?? null, limit],
  );

/** Until the transaction ends nobody adds a version to these workflows. */
export const lockWorkflows = (tx: Tx, workspaceId: string, keys: readonly string[]): Promise<unknown> =>
  tx.query(
    'SELECT 1 FROM workflow WHERE workspace_id = $1 AND key = ANY ($2::text[]) ORDER BY id FOR UPDATE',
    [workspaceId, keys],
  );
