import type { Actor } from '@countersign/contracts';
import type { Counts } from '@countersign/erasure';
import type { Sql } from '@countersign/persistence';
import { endedStates } from './ended';

export type ErasureState = 'running' | 'held' | 'waiting' | 'done';

export interface ErasureRow extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  subject: string | null;
  entry_id: string;
  requested_at: Date;
  requested_by: Actor;
  phase: 'collect' | 'erase';
  state: ErasureState;
  has_waited: boolean;
  cursor: string;
  held_by: string[];
  next_part: number;
  counts: Counts;
  completed_at: Date | null;
  has_fence: boolean;
  is_clear: boolean | null;
}

/** Entries of the log that one transaction looks at. */
export const entriesAtOnce = 2_000;

interface Page {
  /** Index of the last entry looked at; null when there is none after the cursor. */
  last: string | null;
  isFull: boolean;
}

/** The next entries with something sealed for the subject, after the cursor. */
const pageOf = async (
  sql: Sql,
  { workspace_id: workspaceId, subject, cursor }: ErasureRow,
): Promise<Page> => {
  const [row] = await sql.query<{ last: string | null; count: number }>(
    `SELECT max(index) AS last, count(*)::int AS count
       FROM (SELECT index FROM sealed WHERE workspace_id = $1 AND subject = $2 AND index > $3 ORDER BY index LIMIT ${entriesAtOnce}) s`,
    [workspaceId, subject, cursor],
  );
  return { last: row?.last ?? null, isFull: row?.count === entriesAtOnce };
};

/** Notes what the next entries are about. Answers the new cursor, null at the end. */
export const collectRequests = async (sql: Sql, erasure: ErasureRow): Promise<Page> => {
  const page = await pageOf(sql, erasure);
  if (page.last !== null) await noteConcerned(sql, erasure, page.last);
  return page;
};

/**
 * Notes the requests, and the workflows of what is about no request, such as who published which. What happened after the erasure was
 * asked for is no part of it: somebody active goes on.
 */
const noteConcerned = async (
  sql: Sql,
  { id, workspace_id: workspaceId, subject, cursor, requested_at: requestedAt }: ErasureRow,
  last: string,
): Promise<void> => {
  await sql.query(
    `UPDATE erasure SET workflow_keys = ARRAY (
       SELECT unnest(workflow_keys) UNION
       SELECT e.workflow_key FROM sealed s JOIN entry e ON e.workspace_id = s.workspace_id AND e.index = s.index
        WHERE s.workspace_id = $2 AND s.subject = $3 AND s.index > $4 AND s.index <= $5
          AND e.request_id IS NULL AND e.workflow_key IS NOT NULL AND e.at <= $6)
      WHERE id = $1`,
    [id, workspaceId, subject, cursor, last, requestedAt],
  );
  await sql.query(
    `INSERT INTO erasure_request (erasure_id, request_id, workspace_id, is_requester, workflow_key, state)
     SELECT $1, r.request_id, $2, newest.snapshot #>> '{requester,id}' = $3::text, newest.snapshot #>> '{workflow,key}',
            CASE WHEN newest.snapshot ->> 'state' = ANY ($6::text[]) THEN 'ready' ELSE 'waiting' END
       FROM (SELECT DISTINCT e.request_id FROM sealed s JOIN entry e ON e.workspace_id = s.workspace_id AND e.index = s.index
              WHERE s.workspace_id = $2 AND s.subject = $3::uuid AND s.index > $4 AND s.index <= $5 AND e.request_id IS NOT NULL AND e.at <= $7
                 AND NOT EXISTS (SELECT FROM erasure_request known WHERE known.erasure_id = $1 AND known.request_id = e.request_id)) r
      CROSS JOIN LATERAL (SELECT snapshot FROM transition t WHERE t.request_id = r.request_id ORDER BY t.request_version DESC LIMIT 1) newest
     ON CONFLICT DO NOTHING`,
    [id, workspaceId, subject, cursor, last, endedStates, requestedAt],
  );
};

/** Makes what is sealed for the subject in the next entries unreadable, up to the time of the erasure. */
export const eraseSealed = async (sql: Sql, erasure: ErasureRow): Promise<Page & { erased: number }> => {
  const page = await pageOf(sql, erasure);
  if (page.last === null) return { ...page, erased: 0 };
  await noteConcerned(sql, erasure, page.last);
  const { workspace_id: workspaceId, subject, cursor, requested_at: requestedAt } = erasure;
  const rows = await sql.query(
    `UPDATE sealed s SET salt = NULL, data = NULL FROM entry e
      WHERE s.workspace_id = $1 AND s.subject = $2 AND s.index > $3 AND s.index <= $4 AND s.salt IS NOT NULL
        AND e.workspace_id = s.workspace_id AND e.index = s.index AND e.at <= $5 RETURNING 1`,
    [workspaceId, subject, cursor, page.last, requestedAt],
  );
  return { ...page, erased: rows.length };
};

/** Locks the erasure for a step; null when another process is at it, or nothing is to be done. */
export const lockErasure = async (sql: Sql, id: string): Promise<ErasureRow | null> => {
  const [row] = await sql.query<ErasureRow>(
    `SELECT *, fence IS NOT NULL AS has_fence, pg_snapshot_xmin(pg_current_snapshot()) >= fence AS is_clear
       FROM erasure WHERE id = $1 AND due_at IS NOT NULL FOR UPDATE SKIP LOCKED`,
    [id],
  );
  return row ?? null;
};

/** Erasures that may wait for one of these requests, which have ended. Answers whether there are any. */
export const requestsEnded = async (sql: Sql, requestIds: readonly string[]): Promise<boolean> => {
  if (requestIds.length === 0) return false;
  const rows = await sql.query(
    `WITH ended AS (
       UPDATE erasure_request SET state = 'ready' WHERE request_id = ANY ($1::uuid[]) AND state = 'waiting' RETURNING erasure_id
     )
     UPDATE erasure SET due_at = now() WHERE id IN (SELECT erasure_id FROM ended) RETURNING id`,
    [requestIds],
  );
  return rows.length > 0;
};

/**
 * Of the next requests of an erasure those that have begun to run again, as a draft does that is handed in, wait for their end.
 * Where their time was over, it is not any more.
 */
export const keepRunning = (
  sql: Sql,
  { id, subject }: Pick<ErasureRow, 'id' | 'subject'>,
  most: number,
): Promise<unknown> =>
  sql.query(
    `WITH running AS (
       SELECT n.request_id
         FROM (SELECT request_id FROM erasure_request WHERE erasure_id = $1 AND state = 'ready' ORDER BY request_id LIMIT $3) n
        CROSS JOIN LATERAL (SELECT snapshot FROM transition t WHERE t.request_id = n.request_id ORDER BY t.request_version DESC LIMIT 1) newest
        WHERE newest.snapshot ->> 'state' <> ALL ($2::text[])
     ), left_out AS (
       DELETE FROM erasure_request r USING running WHERE $4 AND r.erasure_id = $1 AND r.request_id = running.request_id
     )
     UPDATE erasure_request r SET state = 'waiting' FROM running WHERE NOT $4 AND r.erasure_id = $1 AND r.request_id = running.request_id`,
    [id, endedStates, most, subject === null],
  );

/** Requests of an erasure that have ended without anybody telling: both happened at the same time. */
export const findEnded = (sql: Sql, erasureId: string): Promise<unknown> =>
  sql.query(
    `UPDATE erasure_request r SET state = 'ready'
       FROM (SELECT request_id FROM erasure_request WHERE erasure_id = $1 AND state = 'waiting' ORDER BY random() LIMIT 500) w
      CROSS JOIN LATERAL (SELECT snapshot FROM transition t WHERE t.request_id = w.request_id ORDER BY t.request_version DESC LIMIT 1) newest
      WHERE r.erasure_id = $1 AND r.request_id = w.request_id AND newest.snapshot ->> 'state' = ANY ($2::text[])`,
    [erasureId, endedStates],
  );
