import { requestView, type RequestSnapshot, type RequestView, type Requester } from '@countersign/contracts';
import type { Sql, TransactionSql } from '@countersign/persistence';

export interface RequestRow {
  id: string;
  snapshot: RequestSnapshot;
  payload: unknown;
}

const view = ({ snapshot, payload }: RequestRow): RequestView => requestView(snapshot, payload);

/** A request as callers see it; null when this workspace has none with that id. */
export const findRequest = async (sql: Sql, id: string): Promise<RequestView | null> => {
  const [row] = await sql.query<RequestRow & Record<string, unknown>>(
    `SELECT r.id, r.snapshot, p.payload FROM request r
       JOIN request_payload p ON p.request_id = r.id AND p.revision = r.payload_revision WHERE r.id = $1`,
    [id],
  );
  return row ? view(row) : null;
};

export interface RequestFilter {
  state?: string;
  workflow?: string;
  requesterId?: string;
  externalRef?: string;
  createdAfter?: string;
  createdBefore?: string;
  /** Workflows that the key may see; null for all. */
  allowed: string[] | null;
}

/** Newest first, before a position; one row more than the page, to know whether there is another. */
export const listRequests = async (
  sql: Sql,
  workspaceId: string,
  filter: RequestFilter,
  before: string | null,
  limit: number,
): Promise<RequestView[]> => {
  const conditions = ['r.workspace_id = $1', '($2::uuid IS NULL OR r.id < $2)'];
  const values: unknown[] = [workspaceId, before];
  // A handful of texts, each with the condition that its index is for; never a value in the text.
  const where = (condition: string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length}`));
  };
  where('r.state = ?', filter.state);
  where('r.workflow_key = ?', filter.workflow);
  where('r.requester_id = ?', filter.requesterId);
  where('r.external_ref = ?', filter.externalRef);
  where('r.created_at >= ?::timestamptz', filter.createdAfter);
  where('r.created_at < ?::timestamptz', filter.createdBefore);
  where('r.workflow_key = ANY (?::text[])', filter.allowed);
  values.push(limit + 1);
  const rows = await sql.query<RequestRow & Record<string, unknown>>(
    `SELECT r.id, r.snapshot, p.payload
       FROM (SELECT * FROM request r WHERE ${conditions.join(' AND ')} ORDER BY r.id DESC LIMIT $${values.length}) r
       JOIN request_payload p ON p.request_id = r.id AND p.revision = r.payload_revision ORDER BY r.id DESC`,
    values,
  );
  return rows.map(view);
};

/**
 * Writes a request that has just been taken, as version 1: what the caller is shown before routing has seen it. The
 * requester as at submission is kept beside it, for replays.
 */
export const insertRequest = (
  sql: TransactionSql,
  snapshot: RequestSnapshot,
  requester: Requester,
  payload: unknown,
): void => {
  sql.write(
    `WITH payload AS (
       INSERT INTO request_payload (request_id, revision, workspace_id, request_version, payload) VALUES ($1, $4, $2, $3, $11)
     )
     INSERT INTO request (id, workspace_id, version, payload_revision, state, workflow_key, requester_id, external_ref, created_at, snapshot, requester)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12)`,
    [
      snapshot.id,
      snapshot.workspaceId,
      snapshot.version,
      snapshot.payloadRevision,
      snapshot.state,
      snapshot.workflow.key,
      snapshot.requester.id,
      snapshot.externalRef,
      snapshot.createdAt,
      JSON.stringify(snapshot),
      JSON.stringify(payload),
      JSON.stringify(requester),
    ],
  );
};
