import type { Sql } from '@countersign/persistence';
import type { Grouping } from './totals.rows';

export interface WaitingSelection {
  groupBy: Grouping | null;
  workflows: string[] | null;
  /** The stage was reached in this half-open interval; null for open ends. */
  from: string | null;
  to: string | null;
  /** Ages are counted up to here. */
  asOf: string;
}

export interface WaitingLine {
  workflow: string | null;
  value: string | null;
  stages: number;
  requests: number;
  unassigned: number;
  openTasks: number;
  breached: number;
  oldestSince: string;
  oldestTaskAt: string | null;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
}

interface Row {
  workflow: string | null;
  value: string | null;
  stages: string;
  requests: string;
  unassigned: string;
  open_tasks: string;
  breached: string;
  oldest_since: Date;
  oldest_task_at: Date | null;
  p: Date[];
  [column: string]: unknown;
}

const groupingOf = (groupBy: Grouping | null): { workflow: string; value: string } => {
  switch (groupBy) {
    case 'stage':
      return { workflow: 'workflow_key', value: 'stage_key' };
    case 'workflow':
      return { workflow: 'workflow_key', value: 'NULL::text' };
    case 'group':
      return {
        workflow: 'NULL::text',
        value: `unnest(CASE WHEN groups = '{}' THEN '{NULL}' ELSE groups END)`,
      };
    case 'region':
    case 'department':
      return { workflow: 'NULL::text', value: groupBy };
    case null:
      return { workflow: 'NULL::text', value: 'NULL::text' };
  }
};

/** Where requests wait now. Exact: there are never more rows than stages that are open. */
export const readWaiting = async (
  sql: Sql,
  workspaceId: string,
  { groupBy, workflows, from, to, asOf }: WaitingSelection,
): Promise<WaitingLine[]> => {
  const { workflow, value } = groupingOf(groupBy);
  const rows = await sql.query<Row>(
    `SELECT workflow, value, count(*) AS stages, count(DISTINCT request_id) AS requests,
            count(*) FILTER (WHERE started_at IS NULL) AS unassigned, sum(open_tasks) AS open_tasks,
            count(*) FILTER (WHERE breached) AS breached, min(since) AS oldest_since, min(oldest_task_at) AS oldest_task_at,
            percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY since DESC) AS p
       FROM (SELECT ${workflow} AS workflow, ${value} AS value, w.* FROM analytics_waiting w
              WHERE workspace_id = $1 AND since >= coalesce($2::timestamptz, '-infinity')
                AND since < coalesce($3::timestamptz, 'infinity') AND ($4::text[] IS NULL OR workflow_key = ANY ($4))) waiting
      GROUP BY workflow, value ORDER BY count(*) DESC, min(since)`,
    [workspaceId, from, to, workflows],
  );
  const ageOf = (since: Date | undefined) =>
    Math.max(0, Date.parse(asOf) - (since ?? new Date(asOf)).getTime());
  return rows.map((row) => ({
    workflow: row.workflow,
    value: row.value,
    stages: Number(row.stages),
    requests: Number(row.requests),
    unassigned: Number(row.unassigned),
    openTasks: Number(row.open_tasks),
    breached: Number(row.breached),
    oldestSince: row.oldest_since.toISOString(),
    oldestTaskAt: row.oldest_task_at?.toISOString() ?? null,
    p50Ms: ageOf(row.p[0]),
    p90Ms: ageOf(row.p[1]),
    p99Ms: ageOf(row.p[2]),
    maxMs: ageOf(row.oldest_since),
  }));
};
