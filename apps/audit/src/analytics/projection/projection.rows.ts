import type { Sql, TransactionSql } from '@countersign/persistence';
import { bucketOf } from '../durations/duration-bucket';
import type { Measure } from '../runs/measure';
import type { RequestRun } from '../runs/request-run';
import type { TrailEntry } from '../runs/trail-entry';

/** What is remembered of a request between two packs. */
export interface KeptRequest {
  requestId: string;
  version: number;
  run: RequestRun | null;
  /** Entries that came before their turn. */
  waiting: TrailEntry[];
}

/** A request as a pack leaves it. */
export interface FollowedRequest extends KeptRequest {
  workflowKey: string;
  measures: Measure[];
}

/** Where the log is to be read on, locked; null while another process reads it. */
export const lockPosition = async (
  sql: Sql,
  workspaceId: string,
): Promise<{ nextIndex: number; clearing: boolean } | null> => {
  await sql.query('INSERT INTO analytics_position (workspace_id) VALUES ($1) ON CONFLICT DO NOTHING', [
    workspaceId,
  ]);
  const [row] = await sql.query<{ next_index: string; clearing: boolean }>(
    'SELECT next_index, clearing FROM analytics_position WHERE workspace_id = $1 FOR UPDATE SKIP LOCKED',
    [workspaceId],
  );
  return row ? { nextIndex: Number(row.next_index), clearing: row.clearing } : null;
};

export const readKept = async (
  sql: Sql,
  workspaceId: string,
  requestIds: readonly string[],
): Promise<Map<string, KeptRequest>> => {
  const rows = await sql.query<{
    request_id: string;
    version: number;
    run: RequestRun | null;
    waiting: TrailEntry[] | null;
  }>(
    'SELECT request_id, version, run, waiting FROM analytics_request WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[])',
    [workspaceId, requestIds],
  );
  return new Map(
    rows.map(({ request_id: requestId, version, run, waiting }) => [
      requestId,
      { requestId, version, run, waiting: waiting ?? [] },
    ]),
  );
};

/** Writes what a pack has told, and how far it went. */
export const writePack = (
  sql: TransactionSql,
  workspaceId: string,
  followed: readonly FollowedRequest[],
  nextIndex: number,
): void => {
  if (followed.length > 0) {
    writeRequests(sql, workspaceId, followed);
    writeWaiting(sql, workspaceId, followed);
  }
  const measures = followed.flatMap(({ requestId, workflowKey, run, measures: list }) =>
    list.map((measure) => ({ requestId, workflowKey, run, measure })),
  );
  if (measures.length > 0) writeMeasures(sql, workspaceId, measures);
  sql.write('UPDATE analytics_position SET next_index = $2 WHERE workspace_id = $1', [
    workspaceId,
    nextIndex,
  ]);
};

const writeRequests = (
  sql: TransactionSql,
  workspaceId: string,
  followed: readonly FollowedRequest[],
): void =>
  sql.write(
    `INSERT INTO analytics_request (workspace_id, request_id, version, run, waiting)
     SELECT $1, * FROM unnest($2::uuid[], $3::int[], $4::json[], $5::json[])
     ON CONFLICT (workspace_id, request_id)
       DO UPDATE SET version = excluded.version, run = excluded.run, waiting = excluded.waiting`,
    [
      workspaceId,
      followed.map(({ requestId }) => requestId),
      followed.map(({ version }) => version),
      followed.map(({ run }) => (run && !run.over ? JSON.stringify(run) : null)),
      followed.map(({ waiting }) => (waiting.length > 0 ? JSON.stringify(waiting) : null)),
    ],
  );

const writeWaiting = (
  sql: TransactionSql,
  workspaceId: string,
  followed: readonly FollowedRequest[],
): void => {
  sql.write('DELETE FROM analytics_waiting WHERE workspace_id = $1 AND request_id = ANY ($2::uuid[])', [
    workspaceId,
    followed.map(({ requestId }) => requestId),
  ]);
  const rows = followed.flatMap(({ requestId, workflowKey, run }) =>
    Object.entries(run?.stages ?? {}).map(([key, stage]) => {
      const tasks = Object.values(run?.tasks ?? {}).filter((task) => task.stage === key);
      const oldest = tasks.map(({ since }) => since).sort()[0] ?? null;
      return { requestId, workflowKey, run, key, stage, tasks: tasks.length, oldest };
    }),
  );
  if (rows.length === 0) return;
  sql.write(
    `INSERT INTO analytics_waiting (workspace_id, request_id, stage_key, workflow_key, region, department, groups, since,
                                    started_at, breached, open_tasks, oldest_task_at)
     SELECT $1, request_id, stage_key, workflow_key, region, department,
            ARRAY(SELECT json_array_elements_text(groups)), since, started_at, breached, open_tasks, oldest_task_at
       FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::json[], $8::timestamptz[], $9::timestamptz[],
                   $10::boolean[], $11::int[], $12::timestamptz[])
            AS row (request_id, stage_key, workflow_key, region, department, groups, since, started_at, breached, open_tasks,
                    oldest_task_at)`,
    [
      workspaceId,
      rows.map(({ requestId }) => requestId),
      rows.map(({ key }) => key),
      rows.map(({ workflowKey }) => workflowKey),
      rows.map(({ run }) => run?.region ?? null),
      rows.map(({ run }) => run?.department ?? null),
      rows.map(({ stage }) => JSON.stringify(stage.groups)),
      rows.map(({ stage }) => stage.since),
      rows.map(({ stage }) => stage.startedAt),
      rows.map(({ stage }) => stage.breached),
      rows.map(({ tasks }) => tasks),
      rows.map(({ oldest }) => oldest),
    ],
  );
};

const writeMeasures = (
  sql: TransactionSql,
  workspaceId: string,
  rows: readonly { requestId: string; workflowKey: string; run: RequestRun | null; measure: Measure }[],
): void => {
  const ended = ({ measure }: { measure: Measure }) => (measure.kind === 'ended' ? measure : null);
  const ends = ({ measure }: { measure: Measure }) =>
    measure.kind === 'ended' || measure.kind === 'stage_ended' ? measure : null;
  const duration = (row: { measure: Measure }) => ends(row)?.durationMs ?? null;
  sql.write(
    `INSERT INTO analytics_measure (workspace_id, at, request_id, kind, workflow_key, stage_key, region, department, groups,
                                    outcome, duration_ms, bucket, returns, abandoned, overridden, breached, straight_through)
     SELECT $1, at, request_id, kind, workflow_key, stage_key, region, department,
            ARRAY(SELECT json_array_elements_text(groups)), outcome, duration_ms, bucket, returns, abandoned, overridden, breached,
            straight_through
       FROM unnest($2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::json[],
                   $10::text[], $11::bigint[], $12::smallint[], $13::int[], $14::boolean[], $15::boolean[], $16::boolean[],
                   $17::boolean[])
            AS row (at, request_id, kind, workflow_key, stage_key, region, department, groups, outcome, duration_ms, bucket, returns,
                    abandoned, overridden, breached, straight_through)`,
    [
      workspaceId,
      rows.map(({ measure }) => measure.at),
      rows.map(({ requestId }) => requestId),
      rows.map(({ measure }) => measure.kind),
      rows.map(({ workflowKey }) => workflowKey),
      rows.map(({ measure }) => ('stageKey' in measure ? measure.stageKey : null)),
      rows.map(({ run }) => run?.region ?? null),
      rows.map(({ run }) => run?.department ?? null),
      rows.map(({ measure }) => JSON.stringify(measure.groups)),
      rows.map((row) => ends(row)?.outcome ?? null),
      rows.map(duration),
      rows.map((row) => {
        const ms = duration(row);
        return ms === null ? null : bucketOf(ms);
      }),
      rows.map((row) => ended(row)?.returns ?? 0),
      rows.map((row) => ended(row)?.abandoned ?? false),
      rows.map((row) => ended(row)?.overridden ?? false),
      rows.map((row) => ends(row)?.breached ?? false),
      rows.map((row) => ended(row)?.straightThrough ?? false),
    ],
  );
  // What has been added up for these days does not hold any more.
  const days = [...new Set(rows.map(({ measure }) => measure.at.slice(0, 10)))];
  sql.write(
    `INSERT INTO analytics_period (workspace_id, level, period, rolled)
     SELECT $1, level, period, false
       FROM (SELECT 'day' AS level, day AS period FROM unnest($2::date[]) AS day
             UNION SELECT 'month', date_trunc('month', day)::date FROM unnest($2::date[]) AS day) touched
     ON CONFLICT (workspace_id, level, period) DO UPDATE SET rolled = false WHERE analytics_period.rolled`,
    [workspaceId, days],
  );
};
