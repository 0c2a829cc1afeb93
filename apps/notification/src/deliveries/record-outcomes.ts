import type { Sql } from '@countersign/persistence';
import type { AttemptOutcome } from './attempt';

/** What was written about a delivery; those that were taken over since are not among them. */
export interface RecordedOutcome extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  endpoint_id: string;
  event_id: string;
  request_id: string | null;
  /** Attempts made so far. */
  tries: number;
  state: 'pending' | 'succeeded' | 'failed';
  /** There was news of its endpoint before: calls to it have failed. */
  was_failing: boolean;
}

/**
 * Writes what attempts came to, all at once. An attempt that was taken over since leaves no trace, and one that is written
 * down already is left alone: the answer to that COMMIT was lost.
 */
export const recordOutcomes = (sql: Sql, outcomes: readonly AttemptOutcome[]): Promise<RecordedOutcome[]> =>
  sql.query<RecordedOutcome>(
    `WITH outcome AS (
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::timestamptz[], $6::int[], $7::int[], $8::text[], $9::text[])
         AS o (delivery_id, attempt, state, delay_ms, at, status, latency_ms, error, response)
     ), locked AS (
       SELECT d.id FROM delivery d JOIN outcome o ON o.delivery_id = d.id AND o.attempt = d.attempt
        WHERE d.state = 'pending' AND NOT EXISTS (SELECT 1 FROM delivery_attempt a WHERE a.delivery_id = d.id AND a.number = o.attempt)
        ORDER BY d.id FOR UPDATE OF d
     ), fenced AS (
       UPDATE delivery d
          SET state = o.state,
              due_at = now() + o.delay_ms * interval '1 millisecond',
              tries = d.tries + (o.at IS NOT NULL)::int,
              held = d.held AND o.state = 'pending',
              finished_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END
         FROM outcome o JOIN locked l ON l.id = o.delivery_id
        WHERE d.id = o.delivery_id AND d.attempt = o.attempt
       RETURNING d.id, d.workspace_id, d.endpoint_id, d.event_id, d.request_id, d.tries, d.state, o.attempt, o.at, o.status, o.latency_ms, o.error,
                 CASE WHEN NOT EXISTS (SELECT FROM erased_request e WHERE e.request_id = d.request_id) THEN o.response END AS response
     ), attempted AS (
       INSERT INTO delivery_attempt (delivery_id, number, workspace_id, at, status, latency_ms, error, response)
       SELECT id, attempt, workspace_id, at, status, latency_ms, error, response FROM fenced WHERE at IS NOT NULL
       ON CONFLICT DO NOTHING
     ), counted AS (
       INSERT INTO endpoint_hour AS h (endpoint_id, hour, workspace_id, attempts, succeeded, exhausted, latency_ms)
       SELECT endpoint_id, date_trunc('hour', at), workspace_id, count(*), count(*) FILTER (WHERE error IS NULL),
              count(*) FILTER (WHERE state = 'failed'), sum(latency_ms)
         FROM fenced WHERE at IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2
       ON CONFLICT (endpoint_id, hour) DO UPDATE
          SET attempts = h.attempts + excluded.attempts, succeeded = h.succeeded + excluded.succeeded,
              exhausted = h.exhausted + excluded.exhausted, latency_ms = h.latency_ms + excluded.latency_ms
     )
     SELECT f.id, f.workspace_id, f.endpoint_id, f.event_id, f.request_id, f.tries, f.state,
            EXISTS (SELECT 1 FROM endpoint_health h WHERE h.endpoint_id = f.endpoint_id AND (h.failing_since IS NOT NULL OR h.told_since IS NOT NULL)) AS was_failing
       FROM fenced f`,
    [
      outcomes.map(({ deliveryId }) => deliveryId),
      outcomes.map(({ attempt }) => attempt),
      outcomes.map(({ state }) => state),
      outcomes.map(({ delayMs }) => delayMs),
      outcomes.map(({ result }) => result?.at.toISOString() ?? null),
      outcomes.map(({ result }) => result?.status ?? null),
      outcomes.map(({ result }) => result?.latencyMs ?? null),
      outcomes.map(({ result }) => result?.error ?? null),
      outcomes.map(({ result }) => result?.response ?? null),
    ],
  );
