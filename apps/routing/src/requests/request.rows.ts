import type { Sql, TransactionSql } from '@countersign/persistence';
import type { RequestAggregate, TaskDecision } from '@countersign/workflow';

export interface StoredRequest {
  aggregate: RequestAggregate;
  /** The newest: that of a draft or a returned request which is being edited, too. */
  payload: unknown;
  isErased: boolean;
}

/** Loads requests with their newest payload and locks them, always in the order of their ids. */
export const lockRequests = async (sql: Sql, ids: readonly string[]): Promise<Map<string, StoredRequest>> => {
  const rows = await sql.query<StoredRequest & Record<string, unknown>>(
    `WITH locked AS (SELECT id, payload_revision, aggregate, erased FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)
     SELECT locked.aggregate, p.payload, locked.erased AS "isErased" FROM locked
       JOIN request_payload p ON p.request_id = locked.id AND p.revision = locked.payload_revision`,
    [[...new Set(ids)]],
  );
  return new Map(rows.map((row) => [row.aggregate.id, row]));
};

export interface RequestChange {
  /** What is in the database; null for a request that is new. */
  before: RequestAggregate | null;
  aggregate: RequestAggregate;
  payload: unknown;
  /** The payload is not the one in the database, or not under this revision. */
  bringsPayload: boolean;
  /** When the clock has something to do next; RFC 3339. */
  dueAt: string | null;
}

/**
 * Writes requests as they now are. The transaction fails when one is not at the version that the decision was made on:
 * whoever still runs after losing its lock, or sees a message again, changes nothing.
 */
export const writeRequests = (sql: TransactionSql, changes: readonly RequestChange[]): void => {
  const sorted = inOrder(changes);
  const fresh = sorted.filter(({ before }) => before === null);
  const changed = sorted.filter(({ before }) => before !== null);
  if (fresh.length > 0) {
    sql.write(
      `WITH payload AS (
         INSERT INTO request_payload (request_id, revision, workspace_id, payload)
         SELECT * FROM unnest($1::uuid[], $4::int[], $2::uuid[], $7::json[])
       )
       INSERT INTO request (id, workspace_id, version, payload_revision, due_at, aggregate)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::json[])`,
      [...columns(fresh), fresh.map(({ payload }) => JSON.stringify(payload))],
    );
  }
  if (changed.length > 0) {
    sql.write(
      `WITH updated AS (
         UPDATE request r SET version = c.version, payload_revision = c.payload_revision, due_at = c.due_at, aggregate = c.aggregate
           FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::json[], $7::int[])
                AS c (id, workspace_id, version, payload_revision, due_at, aggregate, from_version)
          WHERE r.id = c.id AND r.workspace_id = c.workspace_id AND r.version = c.from_version RETURNING r.id
       )
       SELECT fence((SELECT count(*) FROM updated), $8)`,
      [...columns(changed), changed.map(({ before }) => before?.version), changed.length],
    );
  }
};

/** Keeps the payloads that decisions have brought; an edited draft's takes the place of the one before. */
export const writePayloads = (sql: TransactionSql, changes: readonly RequestChange[]): void => {
  const rows = inOrder(changes).filter(({ before, bringsPayload }) => before !== null && bringsPayload);
  if (rows.length === 0) return;
  sql.write(
    `INSERT INTO request_payload (request_id, revision, workspace_id, payload)
     SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::json[])
     ON CONFLICT (request_id, revision) DO UPDATE SET payload = excluded.payload`,
    [
      rows.map(({ aggregate }) => aggregate.id),
      rows.map(({ aggregate }) => aggregate.payloadRevision),
      rows.map(({ aggregate }) => aggregate.workspaceId),
      rows.map(({ payload }) => JSON.stringify(payload)),
    ],
  );
};

const inOrder = (changes: readonly RequestChange[]): RequestChange[] =>
  [...changes].sort((a, b) => (a.aggregate.id < b.aggregate.id ? -1 : 1));

const columns = (changes: readonly RequestChange[]): unknown[] => [
  changes.map(({ aggregate }) => aggregate.id),
  changes.map(({ aggregate }) => aggregate.workspaceId),
  changes.map(({ aggregate }) => aggregate.version),
  changes.map(({ aggregate }) => aggregate.payloadRevision),
  changes.map(({ dueAt }) => dueAt),
  changes.map(({ aggregate }) => JSON.stringify(aggregate)),
];

export interface DecisionRow {
  taskId: string;
  workspaceId: string;
  requestId: string;
  decision: TaskDecision;
  decidedBy: string;
  decidedAt: string;
}

export const insertDecisions = (sql: TransactionSql, rows: readonly DecisionRow[]): void => {
  if (rows.length === 0) return;
  sql.write(
    `INSERT INTO decision (task_id, workspace_id, request_id, decision, decided_by, decided_at)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[])`,
    [
      rows.map((row) => row.taskId),
      rows.map((row) => row.workspaceId),
      rows.map((row) => row.requestId),
      rows.map((row) => row.decision),
      rows.map((row) => row.decidedBy),
      rows.map((row) => row.decidedAt),
    ],
  );
};

export interface OutcomeRow {
  requestId: string;
  workspaceId: string;
  state: string;
  endedAt: string;
}

export const insertOutcomes = (sql: TransactionSql, rows: readonly OutcomeRow[]): void => {
  if (rows.length === 0) return;
  sql.write(
    `INSERT INTO outcome (request_id, workspace_id, state, ended_at)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])`,
    [
      rows.map((row) => row.requestId),
      rows.map((row) => row.workspaceId),
      rows.map((row) => row.state),
      rows.map((row) => row.endedAt),
    ],
  );
};
