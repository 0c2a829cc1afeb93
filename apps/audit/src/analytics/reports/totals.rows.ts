import type { Sql } from '@countersign/persistence';
import { addPairs, type Histogram } from '../durations/histogram';
import { added, countsOfMeasures, sums } from '../rollups/roll-periods';
import { partsOfPeriod, type Interval, type KnownPeriod } from './parts-of-period';

export const groupings = ['stage', 'group', 'region', 'department', 'workflow'] as const;
export type Grouping = (typeof groupings)[number];

export interface Selection extends Interval {
  groupBy: Grouping | null;
  /** Keys of workflows; null for all. */
  workflows: string[] | null;
}

/** What happened in a period, of one kind: how much, and how long it took. */
export interface Total {
  n: number;
  counts: Record<(typeof sums)[number], number>;
  histogram: Histogram;
}

/** By the kind of measure; what there is none of is left out. */
export type Totals = Partial<Record<string, Total>>;

/** One line of a report before it is worded: `workflow` only where it is part of what is grouped by. */
export interface Line {
  workflow: string | null;
  /** Of the grouping; null for none, such as a requester without a region. */
  value: string | null;
  totals: Totals;
}

interface Row {
  workflow: string;
  value: string;
  kind: string;
  n: string;
  histograms: Buffer | null;
  [column: string]: unknown;
}

const valueOf = (groupBy: Grouping | null): string => {
  switch (groupBy) {
    case 'stage':
      return 'm.stage_key';
    case 'group':
      return `unnest(CASE WHEN m.groups = '{}' THEN '{""}' ELSE m.groups END)`;
    case 'region':
      return `coalesce(m.region, '')`;
    case 'department':
      return `coalesce(m.department, '')`;
    case 'workflow':
    case null:
      return `''`;
  }
};

/** Of these kinds nothing is known of a stage or a group. */
const kindsOf = (groupBy: Grouping | null, kinds: readonly string[]): string[] =>
  kinds.filter((kind) =>
    groupBy === 'stage' ? kind.startsWith('stage_') : groupBy !== 'group' || !kind.endsWith('submitted'),
  );

/** Adds up the measures of these kinds in a period, by what is grouped by. */
export const readLines = async (
  sql: Sql,
  workspaceId: string,
  { groupBy, workflows, ...interval }: Selection,
  kinds: readonly string[],
): Promise<Line[]> => {
  const known = await readPeriods(sql, workspaceId, interval);
  const { months, days, intervals } = partsOfPeriod(interval, known);
  const wanted = kindsOf(groupBy, kinds);
  const isByWorkflow = groupBy === 'stage' || groupBy === 'workflow';
  const cellWorkflow = isByWorkflow ? 'c.workflow_key' : `''`;
  const facet = groupBy === null || groupBy === 'workflow' ? 'total' : groupBy;
  // Cells of all workflows together are fewer by far.
  const cellWorkflows = workflows ?? (isByWorkflow ? null : ['']);
  const rows = await Promise.all([
    sql.query<Row>(
      `SELECT ${cellWorkflow} AS workflow, value, kind, sum(n) AS n, ${added}, string_agg(histogram, '') AS histograms
         FROM analytics_cell c
        WHERE workspace_id = $1 AND facet = $2
          AND (level = 'month' AND period = ANY ($3::date[]) OR level = 'day' AND period = ANY ($4::date[]))
          AND ${cellWorkflows ? 'workflow_key = ANY ($5::text[])' : `workflow_key <> '' AND $5::text[] IS NULL`}
          AND kind = ANY ($6::text[])
        GROUP BY ${isByWorkflow ? 'c.workflow_key, ' : ''}value, kind`,
      [workspaceId, facet, months, days, cellWorkflows, wanted],
    ),
    // One by one: of a join by inequalities the planner expects a ninth of the table, and reads all of it.
    ...intervals.map(({ from, to }) =>
      sql.query<Row>(
        `SELECT ${isByWorkflow ? 'm.workflow_key' : `''`} AS workflow, ${valueOf(groupBy)} AS value, kind, count(*) AS n, ${countsOfMeasures},
                string_agg(int2send(bucket) || int4send(1), '') FILTER (WHERE bucket IS NOT NULL) AS histograms
           FROM analytics_measure m
          WHERE workspace_id = $1 AND at >= $2::timestamptz AND at < $3::timestamptz
            AND kind = ANY ($4::text[]) AND ($5::text[] IS NULL OR m.workflow_key = ANY ($5))
          GROUP BY 1, 2, kind`,
        [workspaceId, from, to, wanted, workflows],
      ),
    ),
  ]);
  return linesOf(rows.flat());
};

const readPeriods = async (sql: Sql, workspaceId: string, { from, to }: Interval): Promise<KnownPeriod[]> =>
  sql.query<KnownPeriod & { [column: string]: unknown }>(
    `SELECT level, period::text, rolled FROM analytics_period
      WHERE workspace_id = $1 AND level IN ('day', 'month')
        AND period >= date_trunc('month', $2::timestamptz AT TIME ZONE 'UTC')::date
        AND period <= ($3::timestamptz AT TIME ZONE 'UTC')::date`,
    [workspaceId, from, to],
  );

const linesOf = (rows: readonly Row[]): Line[] => {
  const lines = new Map<string, Line>();
  for (const row of rows) {
    const name = JSON.stringify([row.workflow, row.value]);
    const line: Line = lines.get(name) ?? {
      workflow: row.workflow === '' ? null : row.workflow,
      value: row.value === '' ? null : row.value,
      totals: {},
    };
    lines.set(name, line);
    const total = (line.totals[row.kind] ??= noTotal());
    total.n += Number(row.n);
    for (const sum of sums) total.counts[sum] += Number(row[sum]);
    if (row.histograms) addPairs(total.histogram, row.histograms);
  }
  return [...lines.values()];
};

export const noTotal = (): Total => ({
  n: 0,
  counts: Object.fromEntries(sums.map((name) => [name, 0])) as Total['counts'],
  histogram: new Map(),
});
