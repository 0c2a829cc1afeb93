import type { Sql } from '@countersign/persistence';
import { addPairs, pairsOf, type Histogram } from '../durations/histogram';

/** A whole day or month in UTC; `period` is its first day, YYYY-MM-DD. */
export interface Period {
  level: 'day' | 'month';
  period: string;
}

/** The next period that is over and has not been added up; days before months. A month waits for its days. */
export const unrolledPeriod = async (sql: Sql, workspaceId: string): Promise<Period | null> => {
  const [due] = await sql.query<Period & { [column: string]: unknown }>(
    `SELECT level, period::text FROM analytics_period p
      WHERE workspace_id = $1 AND NOT rolled
        AND (level = 'day' AND period < (now() AT TIME ZONE 'UTC')::date
          OR level = 'month' AND period < date_trunc('month', now() AT TIME ZONE 'UTC')::date)
      ORDER BY level, period LIMIT 1`,
    [workspaceId],
  );
  return due ?? null;
};

/** What a cell adds up beside its number. */
export const sums = [
  'completed',
  'approved',
  'rejected',
  'returned',
  'canceled',
  'expired',
  'failed',
  'skipped',
  'reopened',
  'abandoned',
  'overridden',
  'breached',
  'straight_through',
  'sent_back',
  'returns',
  'duration_ms',
] as const;
export const added = sums.map((name) => `sum(${name}) AS ${name}`).join(', ');

/** The same of measures that have not been added up. */
export const countsOfMeasures = [
  ...[
    'completed',
    'approved',
    'rejected',
    'returned',
    'canceled',
    'expired',
    'failed',
    'skipped',
    'reopened',
  ].map((outcome) => `count(*) FILTER (WHERE outcome = '${outcome}') AS ${outcome}`),
  ...['abandoned', 'overridden', 'breached', 'straight_through'].map(
    (mark) => `count(*) FILTER (WHERE ${mark}) AS ${mark}`,
  ),
  'count(*) FILTER (WHERE returns > 0) AS sent_back',
  'sum(returns)::bigint AS returns',
  'coalesce(sum(duration_ms), 0)::numeric AS duration_ms',
].join(', ');

const facets = ['total', 'region', 'department', 'stage', 'group'];
const cell = 'facet, workflow_key, value, kind';
const intoCells = `INSERT INTO analytics_cell (workspace_id, level, period, ${cell}, n, ${sums.join(', ')}, histogram)`;
/** Pairs of bucket and count, as `addPairs` reads them. */
const histogram = `coalesce(string_agg(int2send(bucket) || int4send(n::int), '' ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL), '')`;

/** Adds up a day from what happened in it. */
export const rollDay = async (sql: Sql, workspaceId: string, day: string): Promise<void> => {
  await empty(sql, workspaceId, 'day', day);
  // Facet by facet: a statement may take thirty seconds, and a day may have very much in it.
  for (const facet of facets) await addUpDay(sql, workspaceId, day, facet);
  await markRolled(sql, workspaceId, 'day', day);
};

const addUpDay = (sql: Sql, workspaceId: string, day: string, facet: string) =>
  sql.query(
    `WITH part AS (
       SELECT ${cell}, bucket, count(*) AS n, ${countsOfMeasures}
         FROM analytics_measure m CROSS JOIN LATERAL (
           SELECT 'total' AS facet, '' AS value
           UNION ALL SELECT 'region', coalesce(m.region, '')
           UNION ALL SELECT 'department', coalesce(m.department, '')
           UNION ALL SELECT 'stage', m.stage_key WHERE m.stage_key IS NOT NULL
           UNION ALL SELECT 'group', unnest(CASE WHEN m.groups = '{}' THEN '{""}' ELSE m.groups END)
             WHERE m.kind NOT IN ('submitted', 'resubmitted')) f
        WHERE facet = $3 AND m.workspace_id = $1 AND m.at >= $2::date::timestamp AT TIME ZONE 'UTC'
          AND m.at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
        GROUP BY ${cell}, bucket),
     every AS (
       SELECT ${cell}, bucket, n, ${sums.join(', ')} FROM part
       UNION ALL
       SELECT facet, '', value, kind, bucket, sum(n), ${added} FROM part
        WHERE facet <> 'stage' GROUP BY facet, value, kind, bucket)
     ${intoCells}
     SELECT $1, 'day', $2::date, ${cell}, sum(n), ${added}, ${histogram} FROM every GROUP BY ${cell}`,
    [workspaceId, day, facet],
  );

/** Adds up a month from its days. */
export const rollMonth = async (sql: Sql, workspaceId: string, month: string): Promise<void> => {
  await empty(sql, workspaceId, 'month', month);
  for (const facet of facets) await addUpMonth(sql, workspaceId, month, facet);
  await markRolled(sql, workspaceId, 'month', month);
};

const addUpMonth = async (sql: Sql, workspaceId: string, month: string, facet: string) => {
  const rows = await sql.query<Record<string, string> & { histogram: Buffer }>(
    `SELECT ${cell}, sum(n) AS n, ${added}, string_agg(histogram, '') AS histogram FROM analytics_cell
      WHERE workspace_id = $1 AND facet = $3 AND level = 'day'
        AND period >= $2::date AND period < ($2::date + interval '1 month')::date
      GROUP BY ${cell}`,
    [workspaceId, month, facet],
  );
  // Here, not in SQL: there every look at a byte unpacks the whole histogram.
  const lines = rows.map(({ histogram: pairs, ...line }) => {
    const merged: Histogram = new Map();
    addPairs(merged, pairs);
    return { ...line, histogram: pairsOf(merged).toString('base64') };
  });
  await sql.query(
    `${intoCells}
     SELECT $1, 'month', $2::date, ${cell}, n, ${sums.join(', ')}, decode(histogram, 'base64')
       FROM json_to_recordset($3) AS line (facet text, workflow_key text, value text, kind text, n bigint,
            ${sums.map((name) => `${name} numeric`).join(', ')}, histogram text)`,
    [workspaceId, month, JSON.stringify(lines)],
  );
};

const empty = (sql: Sql, workspaceId: string, level: Period['level'], period: string) =>
  sql.query(
    `DELETE FROM analytics_cell WHERE workspace_id = $1 AND facet = ANY ($4::text[]) AND level = $2 AND period = $3::date`,
    [workspaceId, level, period, facets],
  );

const markRolled = (sql: Sql, workspaceId: string, level: Period['level'], period: string) =>
  sql.query(
    'UPDATE analytics_period SET rolled = true WHERE workspace_id = $1 AND level = $2 AND period = $3::date',
    [workspaceId, level, period],
  );
