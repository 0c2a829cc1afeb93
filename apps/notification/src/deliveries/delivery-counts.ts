import type { Sql } from '@countersign/persistence';

/** Rows of `endpoint_hour` are kept so long. */
const keptDays = 90;
export const mostHours = keptDays * 24;
export const forgetEndpointHours = `DELETE FROM endpoint_hour WHERE hour < now() - interval '${keptDays} days'`;

/** More is not counted: the answer takes the same time whatever has piled up. */
export const mostCounted = 10_000;

const unfinished = ['pending', 'failed', 'skipped'] as const;
type Unfinished = (typeof unfinished)[number];

export interface DeliveryCounts {
  /** Start of the first hour that counts; the last one is the current. */
  from: string;
  attempts: { total: number; succeeded: number; failed: number };
  /** Of the attempts; null when there were none. */
  successRate: number | null;
  averageLatencyMs: number | null;
  /** Deliveries that became dead letters. */
  exhausted: number;
  /** Deliveries that are so now, counted up to 10,000 each. */
  now: Record<Unfinished, number>;
}

interface HoursRow extends Record<string, unknown> {
  from: Date;
  attempts: number;
  succeeded: number;
  exhausted: number;
  latencyMs: number;
}

/** What attempts came to in the last hours, the current one included, and what waits for whom now. */
export const countDeliveries = async (
  sql: Sql,
  endpointId: string,
  hours: number,
): Promise<DeliveryCounts> => {
  const [sums] = await sql.query<HoursRow>(
    `SELECT date_trunc('hour', now()) - ($2::int - 1) * interval '1 hour' AS from, coalesce(sum(attempts), 0)::float8 AS attempts,
            coalesce(sum(succeeded), 0)::float8 AS succeeded, coalesce(sum(exhausted), 0)::float8 AS exhausted,
            coalesce(sum(latency_ms), 0)::float8 AS "latencyMs"
       FROM endpoint_hour WHERE endpoint_id = $1 AND hour >= date_trunc('hour', now()) - ($2::int - 1) * interval '1 hour'`,
    [endpointId, hours],
  );
  const waiting = await sql.query<{ state: Unfinished; count: number }>(
    `SELECT s.state, (SELECT count(*)::int FROM (
              SELECT 1 FROM delivery WHERE endpoint_id = $1 AND state = s.state AND state <> 'succeeded' LIMIT ${mostCounted}) some_rows) AS count
       FROM unnest($2::text[]) AS s (state)`,
    [endpointId, [...unfinished]],
  );
  const { from, attempts, succeeded, exhausted, latencyMs } = sums!;
  const now = Object.fromEntries(waiting.map(({ state, count }) => [state, count])) as Record<
    Unfinished,
    number
  >;
  return {
    from: from.toISOString(),
    attempts: { total: attempts, succeeded, failed: attempts - succeeded },
    successRate: attempts === 0 ? null : succeeded / attempts,
    averageLatencyMs: attempts === 0 ? null : Math.round(latencyMs / attempts),
    exhausted,
    now,
  };
};

const count = { type: 'integer' };

export const deliveryCountsSchema = {
  type: 'object',
  properties: {
    from: { type: 'string', format: 'date-time', description: 'Start of the first hour that counts.' },
    attempts: {
      type: 'object',
      properties: { total: count, succeeded: count, failed: count },
    },
    successRate: { type: ['number', 'null'], description: 'Of the attempts, 0 to 1; null without any.' },
    averageLatencyMs: { type: ['integer', 'null'] },
    exhausted: { ...count, description: 'Deliveries that became dead letters.' },
    now: {
      type: 'object',
      description: `Deliveries that are so now; each counted up to ${mostCounted}.`,
      properties: Object.fromEntries(unfinished.map((state) => [state, count])),
    },
  },
};
