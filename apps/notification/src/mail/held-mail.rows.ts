import type { Sql, TransactionSql } from '@countersign/persistence';
import type { HeldContent } from './mail-content';
import type { KeptLink } from './plan-mail';

/** Somebody with mails whose time has come. */
export interface Holder extends Record<string, unknown> {
  workspace_id: string;
  person_id: string;
}

export interface HeldMail extends Holder {
  id: string;
  recipient: string;
  recipient_name: string;
  is_gathered: boolean;
  content: HeldContent;
  links: KeptLink[];
  correlation_id: string;
  traceparent: string | null;
}

const mostHolders = 50;
/** A mail and what it says are some tens of KB; the others are released next. */
const mostReleased = 500;

/** Milliseconds until the next held mail may go, at most a day; null when none is held. */
export const nextHeldMs = async (sql: Sql, now: Date): Promise<number | null> => {
  const [row] = await sql.query<{ ms: number | null }>(
    `SELECT least(86400000, extract(epoch FROM min(hold_until) - $1::timestamptz) * 1000)::float8 AS ms FROM mail WHERE state = 'held'`,
    [now],
  );
  return row?.ms ?? null;
};

/** Across workspaces: for the sweeper's role. */
export const findHolders = (sql: Sql, now: Date): Promise<Holder[]> =>
  sql.query<Holder>(
    `SELECT DISTINCT workspace_id, person_id
       FROM (SELECT workspace_id, person_id FROM mail WHERE state = 'held' AND hold_until <= $1 ORDER BY hold_until LIMIT 1000) AS due
      LIMIT ${mostHolders}`,
    [now],
  );

/** What these people's mails say, locked. What another process has let go meanwhile is not among them. */
export const lockHeldMails = (sql: Sql, holders: readonly Holder[], now: Date): Promise<HeldMail[]> =>
  sql.query<HeldMail>(
    `SELECT m.id, m.workspace_id, m.person_id, m.recipient, m.recipient_name, m.is_gathered, m.content, m.links,
            m.correlation_id, m.traceparent
       FROM mail m JOIN unnest($1::uuid[], $2::uuid[]) AS holder (workspace_id, person_id) USING (workspace_id, person_id)
      WHERE m.state = 'held' AND m.hold_until <= $3 ORDER BY m.id LIMIT ${mostReleased} FOR UPDATE OF m`,
    [holders.map(({ workspace_id }) => workspace_id), holders.map(({ person_id }) => person_id), now],
  );

/** Lets mails go as they are: `pending` for those that are sent. */
export const releaseMails = (
  sql: TransactionSql,
  mailIds: readonly string[],
  state: 'pending' | 'captured',
  queuedMinutes: number,
): void =>
  sql.write(
    `UPDATE mail SET state = $2, hold_until = NULL, content = NULL,
                     due_at = CASE WHEN $2 = 'pending' THEN now() + $3 * interval '1 minute' END,
                     finished_at = CASE WHEN $2 = 'pending' THEN NULL ELSE now() END, untold = $2 <> 'pending'
      WHERE id = ANY ($1::uuid[])`,
    [mailIds, state, queuedMinutes],
  );

/** These are told by a digest. */
export const gatherMails = (sql: TransactionSql, mailIds: readonly string[], digestId: string): void =>
  sql.write(
    `UPDATE mail SET state = 'gathered', hold_until = NULL, content = NULL, digest_id = $2, finished_at = now(), untold = true
      WHERE id = ANY ($1::uuid[])`,
    [mailIds, digestId],
  );

/** Questions about tasks that are not open any more are not sent. */
export const skipAnsweredQuestions = (sql: TransactionSql, taskIds: readonly string[]): void => {
  if (taskIds.length === 0) return;
  sql.write(
    `UPDATE mail SET state = 'skipped', error = 'the task was closed before the mail was sent', hold_until = NULL, content = NULL,
                     finished_at = now(), untold = true
      WHERE id IN (SELECT id FROM mail WHERE task_id = ANY ($1::uuid[]) AND state IN ('held', 'standby') ORDER BY id FOR UPDATE)`,
    [taskIds],
  );
};
