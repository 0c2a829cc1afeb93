import type { TransactionSql } from '@countersign/persistence';
import type { AttemptOutcome } from './attempt';

const goneReason = 'the endpoint answered 410 Gone';

/** Writes what attempts came to, all at once; an attempt that was taken over since leaves no trace. */
export const recordOutcomes = (sql: TransactionSql, outcomes: readonly AttemptOutcome[]): void => {
  disableGone(sql, outcomes);
  sql.write(
    `WITH outcome AS (
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::timestamptz[], $6::int[], $7::int[], $8::text[], $9::text[])
         AS o (delivery_id, attempt, state, delay_ms, at, status, latency_ms, error, response)
     ), locked AS (
       SELECT d.id FROM delivery d JOIN outcome o ON o.delivery_id = d.id AND o.attempt = d.attempt
        WHERE d.state = 'pending' ORDER BY d.id FOR UPDATE OF d
     ), fenced AS (
       UPDATE delivery d
          SET state = o.state,
              due_at = now() + o.delay_ms * interval '1 millisecond',
              tries = d.tries + (o.at IS NOT NULL)::int,
              finished_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END
         FROM outcome o JOIN locked l ON l.id = o.delivery_id
        WHERE d.id = o.delivery_id AND d.attempt = o.attempt
       RETURNING d.id, d.workspace_id, o.attempt, o.at, o.status, o.latency_ms, o.error, o.response
     )
     INSERT INTO delivery_attempt (delivery_id, number, workspace_id, at, status, latency_ms, error, response)
     SELECT id, attempt, workspace_id, at, status, latency_ms, error, response FROM fenced WHERE at IS NOT NULL
     ON CONFLICT DO NOTHING`,
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
};

/** Before their deliveries: whoever changes both an endpoint and its deliveries locks the endpoint first. */
const disableGone = (sql: TransactionSql, outcomes: readonly AttemptOutcome[]): void => {
  const gone = [
    ...new Set(outcomes.filter(({ isGone }) => isGone).map(({ endpointId }) => endpointId)),
  ].sort();
  if (gone.length === 0) return;
  sql.write(
    `UPDATE endpoint SET state = 'disabled', disabled_reason = $2, version = version + 1, updated_at = now()
      WHERE id = ANY ($1::uuid[]) AND state = 'enabled'`,
    [gone, goneReason],
  );
};
