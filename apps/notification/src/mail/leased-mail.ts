import type { Sql } from '@countersign/persistence';
import { mailColumns, type EndedMail } from './mail-endings';
import type { KeptLink } from './plan-mail';

/** An attempt must be over and recorded by then. */
export const mailLeaseSeconds = 90;
export const mailQueuedMinutes = 5;

/** Between a claim and the transaction that publishes it a crash costs this. */
const mailClaimSeconds = 10;

export interface LeasedMail extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  /** Null for a digest, and when it is about an endpoint. */
  request_id: string | null;
  recipient: string;
  recipient_name: string;
  subject: string;
  text_body: string;
  html_body: string;
  person_id: string;
  links: KeptLink[];
  attempt: number;
  tries: number;
  traceparent: string | null;
}

/** What is to be written about a leased mail. */
export interface MailOutcome {
  mailId: string;
  workspaceId: string;
  attempt: number;
  state: 'pending' | 'sent' | 'failed' | 'captured';
  /** Until the next attempt; null unless `pending`. */
  delayMs: number | null;
  error: string | null;
  isTry: boolean;
}

/** Leases mails for the attempts that messages ask for; what is not pending under that attempt is left alone. */
export const leaseMails = (
  sql: Sql,
  messages: readonly { mailId: string; attempt: number }[],
): Promise<LeasedMail[]> =>
  sql.query<LeasedMail>(
    `WITH locked AS (
       SELECT m.id FROM mail m JOIN unnest($1::uuid[], $2::int[]) AS message (mail_id, attempt)
           ON message.mail_id = m.id AND message.attempt = m.attempt
        WHERE m.state = 'pending' ORDER BY m.id FOR UPDATE OF m
     )
     UPDATE mail m SET due_at = now() + interval '${mailLeaseSeconds} seconds' FROM locked WHERE m.id = locked.id
     RETURNING m.id, m.workspace_id, m.request_id, m.recipient, m.recipient_name, m.subject, m.text_body, m.html_body, m.person_id, m.links, m.attempt, m.tries, m.traceparent`,
    [messages.map(({ mailId }) => mailId), messages.map(({ attempt }) => attempt)],
  );

type PendingMail = Omit<EndedMail, 'state'> & { state: 'pending' };

/** Writes what attempts came to; one that was taken over since leaves no trace. Answers what is over by it. */
export const recordMails = async (sql: Sql, outcomes: readonly MailOutcome[]): Promise<EndedMail[]> => {
  const rows = await sql.query<EndedMail | PendingMail>(
    `WITH outcome AS (
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::float8[], $5::text[], $6::boolean[])
         AS o (mail_id, attempt, state, delay_ms, error, is_try)
     ), locked AS (
       SELECT m.id FROM mail m JOIN outcome o ON o.mail_id = m.id AND o.attempt = m.attempt
        WHERE m.state = 'pending' ORDER BY m.id FOR UPDATE OF m
     )
     UPDATE mail e
        SET state = o.state, due_at = now() + o.delay_ms * interval '1 millisecond', error = o.error, tries = e.tries + o.is_try::int,
            finished_at = CASE WHEN o.state = 'pending' THEN NULL ELSE now() END
       FROM outcome o JOIN locked l ON l.id = o.mail_id
      WHERE e.id = o.mail_id AND e.attempt = o.attempt
     RETURNING ${mailColumns}`,
    [
      outcomes.map(({ mailId }) => mailId),
      outcomes.map(({ attempt }) => attempt),
      outcomes.map(({ state }) => state),
      outcomes.map(({ delayMs }) => delayMs),
      outcomes.map(({ error }) => error),
      outcomes.map(({ isTry }) => isTry),
    ],
  );
  return rows.filter((row): row is EndedMail => row.state !== 'pending');
};

export interface DueMail extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  attempt: number;
  correlation_id: string;
  traceparent: string | null;
}

/** Claims mails whose time has come, each for a new attempt. Across workspaces: for the sweeper's role. */
export const claimDueMails = (sql: Sql): Promise<DueMail[]> =>
  sql.query<DueMail>(
    `WITH due AS (
       SELECT id FROM mail WHERE state = 'pending' AND due_at <= now() ORDER BY due_at LIMIT 200 FOR UPDATE SKIP LOCKED
     )
     UPDATE mail m SET attempt = m.attempt + 1, due_at = now() + interval '${mailClaimSeconds} seconds' FROM due WHERE m.id = due.id
     RETURNING m.id, m.workspace_id, m.attempt, m.correlation_id, m.traceparent`,
  );

/** Leaves claimed mails to their messages, in the transaction that publishes those. */
export const queueClaimedMails = (sql: Sql, due: readonly DueMail[]): Promise<unknown> =>
  sql.query(
    `UPDATE mail m SET due_at = now() + interval '${mailQueuedMinutes} minutes'
       FROM unnest($1::uuid[], $2::int[]) AS c (id, attempt)
      WHERE m.id = c.id AND m.attempt = c.attempt AND m.state = 'pending'`,
    [due.map(({ id }) => id), due.map(({ attempt }) => attempt)],
  );

/** Milliseconds until the next mail is due, at most a day; null when none is pending. */
export const nextDueMailMs = async (sql: Sql): Promise<number | null> => {
  const [row] = await sql.query<{ ms: number | null }>(
    `SELECT least(86400000, extract(epoch FROM min(due_at) - now()) * 1000)::float8 AS ms FROM mail WHERE state = 'pending'`,
  );
  return row?.ms ?? null;
};
