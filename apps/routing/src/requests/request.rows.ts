import type { Sql, TransactionSql } from '@countersign/persistence';
import type { RequestAggregate, TaskDecision } from '@countersign/workflow';

export interface StoredRequest {
  aggregate: RequestAggregate;
  payload: unknown;
}

/** Loads requests with the payload of their current revision and locks them, always in the order of their ids. */
export const lockRequests = async (sql: Sql, ids: readonly string[]): Promise<Map<string, StoredRequest>> => {
  const rows = await sql.query<{ aggregate: RequestAggregate; payload: unknown }>(
    `WITH locked AS (SELECT id, revision, aggregate FROM request WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE)
     SELECT locked.aggregate, p.payload FROM locked
       JOIN request_payload p ON p.request_id = locked.id AND p.revision = locked.revision`,
    [[...new Set(ids)]],
  );
  return new Map(rows.map((row) => [row.aggregate.id, row]));
};

export interface RequestChange {
  /** The version in the database; null for a request that is new. */
  from: number | null;
  aggregate: RequestAggregate;
  payload: unknown;
}

/**
 * Writes requests as they now are. The transaction fails when one is not at the version that the decision was made on:
 * whoever still runs after losing its lock, or sees a message again, changes nothing.
 */
export const writeRequests = (sql: TransactionSql, changes: readonly RequestChange[]): void => {
  const sorted = [...changes].sort((a, b) => (a.aggregate.id < b.aggregate.id ? -1 : 1));
  const fresh = sorted.filter(({ from }) => from === null);
  const changed = sorted.filter(({ from }) => from !== null);
  if (fresh.length > 0) {
    sql.write(
      `WITH payload AS (
         INSERT INTO request_payload (request_id, revision, workspace_id, payload)
         SELECT * FROM unnest($1::uuid[], $4::int[], $2::uuid[], $6::json[])
       )
       INSERT INTO request (id, workspace_id, version, revision, aggregate)
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::json[])`,
      [...columns(fresh), fresh.map(({ payload }) => JSON.stringify(payload))],
    );
  }
  if (changed.length > 0) {
    sql.write(
      `WITH updated AS (
         UPDATE request r SET version = c.version, revision = c.revision, aggregate = c.aggregate
           FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::json[], $6::int[])
                AS c (id, workspace_id, version, revision, aggregate, from_version)
          WHERE r.id = c.id AND r.workspace_id = c.workspace_id AND r.version = c.from_version RETURNING r.id
       )
       SELECT fence((SELECT count(*) FROM updated), $7)`,
      [...columns(changed), changed.map(({ from }) => from), changed.length],
    );
  }
};

const columns = (changes: readonly RequestChange[]): unknown[] => [
  changes.map(({ aggregate }) => aggregate.id),
  changes.map(({ aggregate }) => aggregate.workspaceId),
  changes.map(({ aggregate }) => aggregate.version),
  changes.map(({ aggregate }) => aggregate.revision),
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
