import type { Sql } from '@countersign/persistence';

export interface DueDelivery extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  attempt: number;
  correlation_id: string;
  traceparent: string | null;
}

/** What is claimed at one look, and at most of one endpoint, so that the backlog of one is not in the way of others. */
export const claimLimits = { all: 500, perEndpoint: 50, examined: 2_000 };

/**
 * A message about an attempt is certain to arrive (the outbox sends it until it is settled), but may take its time
 * when much is under way; claiming again any sooner would only make more messages.
 */
export const queuedMinutes = 5;

/** Between a claim and the transaction that publishes it, which the sweeper's role cannot be part of, a crash costs this. */
const claimSeconds = 10;

/** Claims deliveries whose time has come, each for a new attempt. Across workspaces: for the sweeper's role. */
export const claimDue = (sql: Sql, busyEndpoints: readonly string[]): Promise<DueDelivery[]> =>
  sql.query<DueDelivery>(
    `WITH candidate AS (
       SELECT id, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at) AS place
         FROM (SELECT id, endpoint_id, due_at FROM delivery
                WHERE state = 'pending' AND due_at <= now() AND endpoint_id <> ALL ($1::uuid[])
                ORDER BY due_at LIMIT ${claimLimits.examined}) AS oldest
     ), due AS (
       SELECT d.id FROM delivery d JOIN candidate c ON c.id = d.id
        WHERE c.place <= ${claimLimits.perEndpoint} AND d.state = 'pending' AND d.due_at <= now()
        ORDER BY d.due_at LIMIT ${claimLimits.all} FOR UPDATE OF d SKIP LOCKED
     )
     UPDATE delivery d SET attempt = d.attempt + 1, due_at = now() + interval '${claimSeconds} seconds'
       FROM due WHERE d.id = due.id
     RETURNING d.id, d.workspace_id, d.attempt, d.correlation_id, d.traceparent`,
    [busyEndpoints],
  );

/** Leaves claimed deliveries to their messages, in the transaction that publishes those. */
export const queueClaimed = (sql: Sql, due: readonly DueDelivery[]): Promise<unknown> =>
  sql.query(
    `UPDATE delivery d SET due_at = now() + interval '${queuedMinutes} minutes'
       FROM unnest($1::uuid[], $2::int[]) AS c (id, attempt)
      WHERE d.id = c.id AND d.attempt = c.attempt AND d.state = 'pending'`,
    [due.map(({ id }) => id), due.map(({ attempt }) => attempt)],
  );

/** Milliseconds until the next delivery is due, at most a day; null when none is pending. */
export const nextDueMs = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql.query<{ ms: number | null }>(
    `SELECT least(86400000, extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS ms FROM delivery WHERE state = 'pending'`,
  );
  return row?.ms ?? null;
};
