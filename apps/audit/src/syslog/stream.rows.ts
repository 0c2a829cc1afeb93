import type { Sql } from '@countersign/persistence';
import { sizeOfHead } from '../log/size-of-head';

const nobody = '00000000-0000-0000-0000-000000000000';

const size = sizeOfHead('h');

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
     SELECT workspace_id, CASE WHEN NOT $2::boolean AND EXISTS (SELECT 1 FROM first) THEN ${size} ELSE 0 END
       FROM log_head h WHERE NOT EXISTS (SELECT 1 FROM syslog_stream s WHERE s.workspace_id = h.workspace_id)
     ON CONFLICT DO NOTHING`,
    [nobody, fromStart],
  );

/** Takes logs that have more to send and that nobody streams, for a while: those first of which something was sent the longest ago. */
export const claimStreams = async (
  sql: Sql,
  {
    lease,
    leaseMs,
    workspaces,
    most,
  }: { lease: string; leaseMs: number; workspaces: string[] | null; most: number },
): Promise<Backlog[]> => {
  const rows = await sql.query<{ id: string; next: string; size: string }>(
    `WITH due AS (
       SELECT s.workspace_id, s.sent_at, ${size} AS size
         FROM syslog_stream s JOIN log_head h ON h.workspace_id = s.workspace_id
        WHERE s.next_index < ${size} AND s.lease_until < now()
          AND ($2::uuid[] IS NULL OR s.workspace_id = ANY ($2))
        ORDER BY s.sent_at LIMIT $3 FOR UPDATE OF s SKIP LOCKED),
     taken AS (
       UPDATE syslog_stream s SET lease = $1, lease_until = now() + $4 * interval '1 ms'
         FROM due WHERE s.workspace_id = due.workspace_id RETURNING s.workspace_id, s.next_index)
     SELECT workspace_id AS id, next_index AS next, size FROM taken JOIN due USING (workspace_id) ORDER BY sent_at`,
    [lease, workspaces, most, leaseMs],
  );
  return rows.map((row) => ({ workspaceId: row.id, next: Number(row.next), size: Number(row.size) }));
};

/** How long these logs are now. */
export const sizesOf = async (sql: Sql, workspaceIds: readonly string[]): Promise<Map<string, number>> => {
  const rows = await sql.query<{ id: string; size: string }>(
    `SELECT workspace_id AS id, ${size} AS size FROM log_head h WHERE workspace_id = ANY ($1::uuid[])`,
    [workspaceIds],
  );
  return new Map(rows.map((row) => [row.id, Number(row.size)]));
};

/**
 * Gives back what a lease has taken, for anybody to go on; what somebody else has taken since is left alone. What has arrived is not sent
 * again. A log of which something was sent, arrived or not, goes behind the others.
 */
export const giveBack = (
  sql: Sql,
  lease: string,
  positions: readonly { workspaceId: string; next: number }[],
  hasArrived: boolean,
): Promise<unknown> =>
  sql.query(
    `UPDATE syslog_stream s SET next_index = CASE WHEN $4::boolean THEN n.next ELSE s.next_index END, lease = NULL,
            lease_until = '-infinity', sent_at = CASE WHEN n.next > s.next_index THEN now() ELSE s.sent_at END
       FROM unnest($2::uuid[], $3::bigint[]) AS n (id, next) WHERE s.workspace_id = n.id AND s.lease = $1`,
    [lease, positions.map(({ workspaceId }) => workspaceId), positions.map(({ next }) => next), hasArrived],
  );

/** Entries that have not arrived yet. */
export const countWaiting = async (sql: Sql, workspaces: string[] | null): Promise<number> => {
  const [row] = await sql.query<{ waiting: string }>(
    `SELECT coalesce(sum(${size} - s.next_index), 0) AS waiting
       FROM syslog_stream s JOIN log_head h ON h.workspace_id = s.workspace_id
      WHERE $1::uuid[] IS NULL OR s.workspace_id = ANY ($1)`,
    [workspaces],
  );
  return Number(row?.waiting ?? 0);
};
