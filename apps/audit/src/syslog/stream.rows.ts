import type { Sql } from '@countersign/persistence';

/** Longer than a connection lives and takes to close. */
const leaseSeconds = 90;

const nobody = '00000000-0000-0000-0000-000000000000';

/** The size that the checkpoint of a log head says. */
const sizeOf = (head: string) => `split_part(${head}.checkpoint, E'\\n', 2)::bigint`;

/** A workspace's log that has more than was streamed. */
export interface Backlog {
  workspaceId: string;
  next: number;
  size: number;
}

/**
 * Makes the position of each log that has none: at its end for those that were there when streaming was set up, unless all is wanted;
 * at its beginning for later ones.
 */
export const addStreams = (sql: Sql, fromStart: boolean): Promise<unknown> =>
  sql.query(
    `WITH first AS (INSERT INTO syslog_stream (workspace_id, next_index) VALUES ($1, 0) ON CONFLICT DO NOTHING RETURNING 1)
     INSERT INTO syslog_stream (workspace_id, next_index)
     SELECT workspace_id, CASE WHEN NOT $2::boolean AND EXISTS (SELECT 1 FROM first) THEN ${sizeOf('h')} ELSE 0 END
       FROM log_head h WHERE NOT EXISTS (SELECT 1 FROM syslog_stream s WHERE s.workspace_id = h.workspace_id)
     ON CONFLICT DO NOTHING`,
    [nobody, fromStart],
  );

/** Takes logs that have more to send and that nobody streams, for a while. */
export const claimStreams = async (
  sql: Sql,
  { lease, workspaces, most }: { lease: string; workspaces: string[] | null; most: number },
): Promise<Backlog[]> => {
  const rows = await sql.query<{ id: string; next: string; size: string }>(
    `UPDATE syslog_stream s SET lease = $1, lease_until = now() + interval '${leaseSeconds} seconds'
       FROM (SELECT s.workspace_id, ${sizeOf('h')} AS size
               FROM syslog_stream s JOIN log_head h ON h.workspace_id = s.workspace_id
              WHERE s.next_index < ${sizeOf('h')} AND s.lease_until < now()
                AND ($2::uuid[] IS NULL OR s.workspace_id = ANY ($2))
              ORDER BY s.lease_until LIMIT $3 FOR UPDATE OF s SKIP LOCKED) due
      WHERE s.workspace_id = due.workspace_id
      RETURNING s.workspace_id AS id, s.next_index AS next, due.size`,
    [lease, workspaces, most],
  );
  return rows.map(({ id, next, size }) => ({ workspaceId: id, next: Number(next), size: Number(size) }));
};

/** How long these logs are now. */
export const sizesOf = async (sql: Sql, workspaceIds: readonly string[]): Promise<Map<string, number>> => {
  const rows = await sql.query<{ id: string; size: string }>(
    `SELECT workspace_id AS id, ${sizeOf('h')} AS size FROM log_head h WHERE workspace_id = ANY ($1::uuid[])`,
    [workspaceIds],
  );
  return new Map(rows.map(({ id, size }) => [id, Number(size)]));
};

/** What has arrived is not sent again, and anybody may go on. */
export const advanceStreams = (
  sql: Sql,
  lease: string,
  positions: readonly { workspaceId: string; next: number }[],
): Promise<unknown> =>
  sql.query(
    `UPDATE syslog_stream s SET next_index = n.next, lease = NULL, lease_until = '-infinity'
       FROM unnest($2::uuid[], $3::bigint[]) AS n (id, next) WHERE s.workspace_id = n.id AND s.lease = $1`,
    [lease, positions.map(({ workspaceId }) => workspaceId), positions.map(({ next }) => next)],
  );

/** Entries that have not arrived yet. */
export const countWaiting = async (sql: Sql, workspaces: string[] | null): Promise<number> => {
  const [row] = await sql.query<{ waiting: string }>(
    `SELECT coalesce(sum(${sizeOf('h')} - s.next_index), 0) AS waiting
       FROM syslog_stream s JOIN log_head h ON h.workspace_id = s.workspace_id
      WHERE $1::uuid[] IS NULL OR s.workspace_id = ANY ($1)`,
    [workspaces],
  );
  return Number(row?.waiting ?? 0);
};

/** Nothing is known to have arrived: whoever comes next sends it again. */
export const releaseStreams = (sql: Sql, lease: string): Promise<unknown> =>
  sql.query(`UPDATE syslog_stream SET lease = NULL, lease_until = '-infinity' WHERE lease = $1`, [lease]);
