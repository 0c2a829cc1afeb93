import type { Sql, TransactionSql } from '@countersign/persistence';

/*
 * `due_at` of a request is when the clock has something to do for it next. Whoever claims it moves it on, so that
 * others leave it alone for so long; every change of the request writes it anew. Times are those of the process.
 */

/** Should the process die between claiming and telling, others find the request this long after. */
const claimMs = 10_000;
/** A tick under way is told again after this long: one too many changes nothing. */
const tickMs = 60_000;
/** A tick that came too early, by another machine's clock, is told again after this long. */
const earlyMs = 1_000;

export interface DueRequest {
  id: string;
  workspaceId: string;
  claimedUntil: Date;
}

const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms);

/** When the next request is due; null when none is. Across workspaces: for the sweeper's role. */
export const nextDueAt = async (sql: Sql): Promise<Date | null> => {
  const [row] = await sql.query<{ due_at: Date | null }>('SELECT min(due_at) AS due_at FROM request');
  return row?.due_at ?? null;
};

/** Claims requests whose time has come, each for one sweeper. Across workspaces: for the sweeper's role. */
export const claimDueRequests = async (sql: Sql, now: Date, limit: number): Promise<DueRequest[]> => {
  const claimedUntil = after(now, claimMs);
  const rows = await sql.query<{ id: string; workspace_id: string }>(
    `WITH due AS (SELECT id FROM request WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     UPDATE request r SET due_at = $3 FROM due WHERE r.id = due.id RETURNING r.id, r.workspace_id`,
    [now, limit, claimedUntil],
  );
  return rows.map(({ id, workspace_id }) => ({ id, workspaceId: workspace_id, claimedUntil }));
};

/** Leaves claimed requests to their ticks, in the transaction that publishes those; answers the ones nobody has changed since. */
export const tellDueRequests = (
  sql: Sql,
  now: Date,
  claimed: readonly DueRequest[],
): Promise<{ id: string; workspace_id: string }[]> =>
  sql.query<{ id: string; workspace_id: string }>(
    `WITH locked AS (
       SELECT r.id FROM unnest($1::uuid[], $2::timestamptz[]) AS claimed (id, until)
         JOIN request r ON r.id = claimed.id AND r.due_at = claimed.until
        ORDER BY r.id FOR UPDATE OF r
     )
     UPDATE request r SET due_at = $3 FROM locked WHERE r.id = locked.id RETURNING r.id, r.workspace_id`,
    [claimed.map(({ id }) => id), claimed.map(({ claimedUntil }) => claimedUntil), after(now, tickMs)],
  );

/**
 * Writes when requests are due that a tick has found nothing to do for. What is due all the same, and could not be done, keeps
 * its lease: it is not told of again and again.
 */
export const writeUneventfulTicks = (
  sql: TransactionSql,
  now: Date,
  requests: readonly { id: string; dueAt: string | null }[],
): void => {
  const rows = requests.filter(({ dueAt }) => dueAt === null || new Date(dueAt) > now);
  if (rows.length === 0) return;
  sql.write(
    `UPDATE request r SET due_at = greatest(t.due_at, CASE WHEN t.due_at IS NOT NULL THEN $3::timestamptz END)
       FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, due_at) WHERE r.id = t.id`,
    [rows.map(({ id }) => id), rows.map(({ dueAt }) => dueAt), after(now, earlyMs)],
  );
};
