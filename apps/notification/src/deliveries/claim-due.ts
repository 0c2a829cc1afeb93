import type { Sql } from '@countersign/persistence';
import { probeLostMs } from './endpoint-health';

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

const claimed = 'd.id, d.workspace_id, d.attempt, d.correlation_id, d.traceparent';

/**
 * Claims deliveries whose time has come, each for a new attempt. Those of an endpoint whose circuit is open are held
 * instead; its row is locked for that, so that none is held that has just been released. Across workspaces: for the
 * sweeper's role.
 */
export const claimDue = async (
  sql: Sql,
  busyEndpoints: readonly string[],
): Promise<{ due: DueDelivery[]; held: number }> => {
  const rows = await sql.query<DueDelivery & { held: boolean }>(
    `WITH candidate AS (
       SELECT id, endpoint_id, row_number() OVER (PARTITION BY endpoint_id ORDER BY due_at) AS place
         FROM (SELECT id, endpoint_id, due_at FROM delivery
                WHERE state = 'pending' AND NOT held AND due_at <= now() AND endpoint_id <> ALL ($1::uuid[])
                ORDER BY due_at LIMIT ${claimLimits.examined}) AS oldest
     ), open AS MATERIALIZED (
       SELECT endpoint_id, probing FROM endpoint_health
        WHERE is_open AND endpoint_id IN (SELECT endpoint_id FROM candidate) ORDER BY endpoint_id FOR SHARE
     ), due AS (
       SELECT d.id, o.endpoint_id IS NOT NULL AND o.probing IS DISTINCT FROM d.id AS is_held
         FROM delivery d JOIN candidate c ON c.id = d.id LEFT JOIN open o ON o.endpoint_id = d.endpoint_id
        WHERE (c.place <= ${claimLimits.perEndpoint} OR o.endpoint_id IS NOT NULL) AND d.state = 'pending' AND NOT d.held AND d.due_at <= now()
        ORDER BY d.due_at LIMIT ${claimLimits.all} FOR UPDATE OF d SKIP LOCKED
     )
     UPDATE delivery d
        SET attempt = d.attempt + (NOT due.is_held)::int, held = due.is_held,
            due_at = CASE WHEN due.is_held THEN d.due_at ELSE now() + interval '${claimSeconds} seconds' END
       FROM due WHERE d.id = due.id
     RETURNING ${claimed}, d.held`,
    [busyEndpoints],
  );
  const due = rows.filter(({ held }) => !held);
  return { due, held: rows.length - due.length };
};

/** Leaves claimed deliveries to their messages, in the transaction that publishes those. */
export const queueClaimed = (sql: Sql, due: readonly DueDelivery[]): Promise<unknown> =>
  sql.query(
    `UPDATE delivery d SET due_at = now() + interval '${queuedMinutes} minutes'
       FROM unnest($1::uuid[], $2::int[]) AS c (id, attempt)
      WHERE d.id = c.id AND d.attempt = c.attempt AND d.state = 'pending'`,
    [due.map(({ id }) => id), due.map(({ attempt }) => attempt)],
  );

/** Endpoints that are probed at one look. */
const mostProbes = 50;

/**
 * Claims the oldest delivery of each endpoint whose circuit is open and whose time to be probed has come. Where nothing is
 * held any more the circuit closes, and the next failure in a crowd opens it again.
 */
export const claimProbes = (sql: Sql, reopensAfter: number): Promise<DueDelivery[]> =>
  sql.query<DueDelivery>(
    `WITH probed AS (
       SELECT endpoint_id FROM endpoint_health WHERE is_open AND probe_at <= now()
        ORDER BY probe_at LIMIT ${mostProbes} FOR UPDATE SKIP LOCKED
     ), oldest AS (
       SELECT p.endpoint_id, o.id FROM probed p LEFT JOIN LATERAL (
         SELECT d.id FROM delivery d WHERE d.endpoint_id = p.endpoint_id AND d.held
            AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.endpoint_id = d.endpoint_id AND e.request_id = d.request_id
                               AND e.place < d.place AND e.state = 'pending')
          ORDER BY d.due_at LIMIT 1) o ON true
     ), moved AS (
       UPDATE endpoint_health h
          SET is_open = o.id IS NOT NULL, probing = o.id,
              probe_at = CASE WHEN o.id IS NOT NULL THEN now() + interval '${probeLostMs} milliseconds' END,
              failures = CASE WHEN o.id IS NOT NULL THEN h.failures ELSE least(h.failures, $1 - 1) END,
              drain = CASE WHEN o.id IS NULL THEN coalesce(h.drain, 'release') ELSE h.drain END
         FROM oldest o WHERE h.endpoint_id = o.endpoint_id
     )
     UPDATE delivery d SET attempt = d.attempt + 1, held = false, due_at = now() + interval '${claimSeconds} seconds'
       FROM oldest o WHERE d.id = o.id AND d.held
     RETURNING ${claimed}`,
    [reopensAfter],
  );

/** At one look, of one endpoint. */
const drainedAtOnce = 1_000;

/**
 * Goes on with what is left to do for endpoints that answer again (what is held is due now), or were disabled or deleted
 * (what is pending is skipped); answers how much it did. Any of them: a long one must not keep the others waiting.
 */
export const drain = async (sql: Sql): Promise<number> => {
  const [job] = await sql.query<{ id: string; drain: 'release' | 'skip' }>(
    'SELECT endpoint_id AS id, drain FROM endpoint_health WHERE drain IS NOT NULL ORDER BY random() LIMIT 1',
  );
  if (!job) return 0;
  const [which, change] =
    job.drain === 'release'
      ? ['held', 'held = false, due_at = least(due_at, now())']
      : [
          `state <> 'succeeded' AND state = 'pending'`,
          `state = 'skipped', held = false, due_at = NULL, finished_at = now(), untold = true`,
        ];
  const moved = await sql.query(
    `WITH chunk AS (SELECT id FROM delivery WHERE endpoint_id = $1 AND ${which} LIMIT ${drainedAtOnce} FOR UPDATE SKIP LOCKED)
     UPDATE delivery d SET ${change} FROM chunk WHERE d.id = chunk.id RETURNING 1`,
    [job.id],
  );
  if (moved.length > 0) return moved.length;
  // Locked ones are somebody's hands: they come back here, or are settled there.
  await sql.query(
    `UPDATE endpoint_health h SET drain = NULL WHERE endpoint_id = $1 AND drain = $2
        AND NOT EXISTS (SELECT 1 FROM delivery WHERE endpoint_id = $1 AND ${which})`,
    [job.id, job.drain],
  );
  return 0;
};

/** Milliseconds until there is something to do, at most a day; null when nothing is pending. */
export const nextDueMs = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql.query<{ ms: number | null }>(
    `SELECT least(86400000, extract(epoch FROM least(
              (SELECT min(due_at) FROM delivery WHERE state = 'pending' AND NOT held),
              (SELECT min(probe_at) FROM endpoint_health WHERE is_open),
              (SELECT now() FROM endpoint_health WHERE drain IS NOT NULL LIMIT 1)) - now()) * 1000)::float8 AS ms`,
  );
  return row?.ms ?? null;
};
