import type { Sql } from '@countersign/persistence';
import { sizeOfHead } from '../log/size-of-head';
import type { Run, Schedule } from './schedule';

const columns = `id, workspace_id AS "workspaceId", name, format, every, every_seconds AS "everySeconds", filter, target, state,
  next_index::float8 AS "nextIndex", due_at AS "dueAt", failures, last_error AS "lastError", version, key_id AS "keyId", created_at AS "createdAt"`;
const runColumns = `id, from_index::float8 AS "from", to_index::float8 AS "to", tree_size::float8 AS "treeSize", checkpoint, file, state, attempts,
  entries::float8 AS entries, bytes::float8 AS bytes, sha256, error, started_at AS "startedAt", ended_at AS "endedAt"`;

type ScheduleRow = Schedule & Record<string, unknown>;
type RunRow = Run & Record<string, unknown>;

export type NewSchedule = Pick<
  Schedule,
  | 'id'
  | 'workspaceId'
  | 'name'
  | 'format'
  | 'every'
  | 'everySeconds'
  | 'filter'
  | 'target'
  | 'nextIndex'
  | 'keyId'
>;

export const insertSchedule = async (sql: Sql, added: NewSchedule): Promise<Schedule> => {
  const [row] = await sql.query<ScheduleRow>(
    `INSERT INTO export_schedule (id, workspace_id, name, format, every, every_seconds, filter, target, state, next_index, due_at, key_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7::json, $8::json, 'active', $9, now(), $10) RETURNING ${columns}`,
    [
      added.id,
      added.workspaceId,
      added.name,
      added.format,
      added.every,
      added.everySeconds,
      JSON.stringify(added.filter),
      JSON.stringify(added.target),
      added.nextIndex,
      added.keyId,
    ],
  );
  if (!row) throw new Error('a schedule that was not written');
  return row;
};

export const findSchedule = async (
  sql: Sql,
  id: string,
  lock: '' | 'FOR UPDATE' = '',
): Promise<Schedule | null> =>
  (await sql.query<ScheduleRow>(`SELECT ${columns} FROM export_schedule WHERE id = $1 ${lock}`, [id]))[0] ??
  null;

/** Newest first; to a key that is limited to some workflows (null: to none) those that export nothing else. */
export const listSchedules = (
  sql: Sql,
  workspaceId: string,
  allowed: readonly string[] | null,
  before: string | null,
  limit: number,
): Promise<Schedule[]> =>
  sql.query<ScheduleRow>(
    `SELECT ${columns} FROM export_schedule
      WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2)
        AND ($4::text[] IS NULL
             OR (json_typeof(filter -> 'allowed') = 'array' AND json_array_length(filter -> 'allowed') > 0
                 AND ARRAY (SELECT json_array_elements_text(filter -> 'allowed')) <@ $4))
      ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit, allowed],
  );

export const countSchedules = async (sql: Sql, workspaceId: string): Promise<number> => {
  const rows = await sql.query<{ count: string }>(
    'SELECT count(*) FROM export_schedule WHERE workspace_id = $1',
    [workspaceId],
  );
  return Number(rows[0]?.count ?? 0);
};

/** A schedule that goes on is due at once. */
export const updateSchedule = async (
  sql: Sql,
  id: string,
  { name, every, everySeconds, state }: Pick<Schedule, 'name' | 'every' | 'everySeconds' | 'state'>,
): Promise<Schedule> => {
  const [row] = await sql.query<ScheduleRow>(
    `UPDATE export_schedule SET name = $2, every = $3, every_seconds = $4, due_at = CASE WHEN state = 'paused' OR every_seconds <> $4 THEN now() ELSE due_at END,
            state = $5, version = version + 1 WHERE id = $1 RETURNING ${columns}`,
    [id, name, every, everySeconds, state],
  );
  if (!row) throw new Error('a schedule that is not there');
  return row;
};

export const deleteSchedule = (sql: Sql, id: string): Promise<unknown> =>
  sql.query('DELETE FROM export_schedule WHERE id = $1', [id]);

export const listRuns = (
  sql: Sql,
  scheduleId: string,
  before: string | null,
  limit: number,
): Promise<Run[]> =>
  sql.query<RunRow>(
    `SELECT ${runColumns} FROM export_run WHERE schedule_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [scheduleId, before, limit],
  );

/**
 * Longer than the longest single step by which a file can come to be seen (a call to a bucket, 120 s): whoever held the lease at its
 * end is the only one who can still be at it.
 */
const leaseSeconds = 180;

/** Takes the schedule that has been due the longest. As the role that sees every workspace. */
export const claimSchedule = async (
  sql: Sql,
  lease: string,
): Promise<{ id: string; workspaceId: string } | null> => {
  const rows = await sql.query<{ id: string; workspaceId: string }>(
    `UPDATE export_schedule SET lease = $1, lease_until = now() + interval '${leaseSeconds} seconds'
      WHERE id = (SELECT id FROM export_schedule WHERE state = 'active' AND due_at <= now() AND lease_until < now()
                   ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING id, workspace_id AS "workspaceId"`,
    [lease],
  );
  return rows[0] ?? null;
};

/** Entries that the active schedule which is the furthest behind has not exported. As the role that sees every workspace. */
export const mostWaiting = async (sql: Sql): Promise<number> => {
  const [row] = await sql.query<{ waiting: string }>(
    `SELECT greatest(max(${sizeOfHead('h')} - s.next_index), 0) AS waiting
       FROM export_schedule s JOIN log_head h ON h.workspace_id = s.workspace_id WHERE s.state = 'active'`,
  );
  return Number(row?.waiting ?? 0);
};

/** False when somebody else has it by now. */
export const renewLease = async (sql: Sql, id: string, lease: string): Promise<boolean> => {
  const rows = await sql.query(
    `UPDATE export_schedule SET lease_until = now() + interval '${leaseSeconds} seconds' WHERE id = $1 AND lease = $2 RETURNING 1`,
    [id, lease],
  );
  return rows.length > 0;
};

/** Locked, so that nobody else takes it until the transaction is over; null when somebody else has it by now. */
export const findHeld = async (sql: Sql, id: string, lease: string): Promise<Schedule | null> =>
  (
    await sql.query<ScheduleRow>(
      `SELECT ${columns} FROM export_schedule WHERE id = $1 AND lease = $2 FOR UPDATE`,
      [id, lease],
    )
  )[0] ?? null;

/** Anybody may go on at once; nothing happens when somebody else has it by now. */
export const releaseLease = (sql: Sql, id: string, lease: string): Promise<unknown> =>
  sql.query(
    `UPDATE export_schedule SET lease = NULL, lease_until = '-infinity' WHERE id = $1 AND lease = $2`,
    [id, lease],
  );

export const findRunning = async (sql: Sql, scheduleId: string): Promise<Run | null> =>
  (
    await sql.query<RunRow>(
      `UPDATE export_run SET attempts = attempts + 1 WHERE schedule_id = $1 AND state = 'running' RETURNING ${runColumns}`,
      [scheduleId],
    )
  )[0] ?? null;

export const insertRun = async (
  sql: Sql,
  {
    id,
    workspaceId,
    scheduleId,
    from,
    to,
    treeSize,
    checkpoint,
    file,
  }: Pick<Run, 'id' | 'from' | 'to' | 'treeSize' | 'checkpoint' | 'file'> & {
    workspaceId: string;
    scheduleId: string;
  },
): Promise<Run> => {
  const [row] = await sql.query<RunRow>(
    `INSERT INTO export_run (id, workspace_id, schedule_id, from_index, to_index, tree_size, checkpoint, file, state, attempts)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', 1) RETURNING ${runColumns}`,
    [id, workspaceId, scheduleId, from, to, treeSize, checkpoint, file],
  );
  if (!row) throw new Error('a run that was not written');
  return row;
};

/** The file is there: the next run begins behind it. False, and nothing happens, when somebody else has the schedule by now. */
export const finishRun = async (
  sql: Sql,
  {
    scheduleId,
    lease,
    run,
    entries,
    bytes,
    sha256,
    isLast,
  }: {
    scheduleId: string;
    lease: string;
    run: Run;
    entries: number;
    bytes: number;
    sha256: string;
    /** Whether the log has nothing more for now. */
    isLast: boolean;
  },
): Promise<boolean> => {
  const rows = await sql.query(
    `WITH advanced AS (
       UPDATE export_schedule SET next_index = $3, failures = 0, last_error = NULL, lease = NULL, lease_until = '-infinity',
              due_at = CASE WHEN $8::boolean THEN now() + every_seconds * interval '1 second' ELSE now() END
        WHERE id = $1 AND lease = $2 AND next_index <= $4 RETURNING id)
     UPDATE export_run SET state = 'done', entries = $5, bytes = $6, sha256 = $7, error = NULL, ended_at = now()
      WHERE id = $9 AND EXISTS (SELECT 1 FROM advanced) RETURNING 1`,
    [scheduleId, lease, run.to, run.from, entries, bytes, sha256, isLast, run.id],
  );
  return rows.length > 0;
};

/** There is nothing new: looked again when it is next due. */
export const postpone = (sql: Sql, id: string, lease: string): Promise<unknown> =>
  sql.query(
    `UPDATE export_schedule SET lease = NULL, lease_until = '-infinity', failures = 0, last_error = NULL,
            due_at = now() + every_seconds * interval '1 second' WHERE id = $1 AND lease = $2`,
    [id, lease],
  );

/** Of a schedule that is held: tried again after a minute, then twice as long each time, at most an hour. */
export const failRun = (sql: Sql, id: string, error: string): Promise<unknown> =>
  sql.query(
    `WITH noted AS (UPDATE export_run SET error = $2 WHERE schedule_id = $1 AND state = 'running')
     UPDATE export_schedule SET failures = failures + 1, last_error = $2, lease = NULL, lease_until = '-infinity',
            due_at = now() + least(3600, 60 * power(2, least(failures, 10))) * interval '1 second'
      WHERE id = $1`,
    [id, error],
  );

/** Of a schedule that is held: ends the run that was left, for good, and goes on from an index. */
export const skipTo = (sql: Sql, id: string, index: number, error: string): Promise<unknown> =>
  sql.query(
    `WITH ended AS (UPDATE export_run SET state = 'failed', error = $3, ended_at = now() WHERE schedule_id = $1 AND state = 'running')
     UPDATE export_schedule SET next_index = $2, last_error = $3 WHERE id = $1`,
    [id, index, error],
  );
