import type { ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';
import { readerOf } from '@countersign/reader';
import { readAudience } from '../audience/read-audience';
import type { MailSettings } from '../mail/mail.settings';
import { erasedNotice, type Notice } from './erased-notice';

/** Somebody as a mail names them. */
export interface AddressedTo {
  id: string;
  userName: string;
  displayName: string;
}

interface MailRow extends Record<string, unknown> {
  id: string;
  digest_id: string | null;
}

interface UnsentMail extends Record<string, unknown> {
  id: string;
  person_id: string;
  request_id: string;
  recipient_name: string;
}

const unsent = `'pending', 'held', 'standby'`;

const emptied = `subject = 'Erased', text_body = 'Erased', html_body = 'Erased', content = NULL, links = '[]', error = NULL,
  state = CASE WHEN state IN (${unsent}) THEN 'skipped' ELSE state END, untold = untold OR state IN (${unsent}), due_at = NULL, hold_until = NULL,
  finished_at = coalesce(finished_at, now())`;

/** How the mails about these requests have addressed the subject. */
export const howAddressed = async (
  sql: Sql,
  { subject }: ErasureScope,
  requestIds: readonly string[],
): Promise<AddressedTo[]> =>
  sql.query<AddressedTo & Record<string, unknown>>(
    `SELECT DISTINCT person_id AS id, coalesce(recipient, recipient_name) AS "userName", recipient_name AS "displayName"
       FROM mail WHERE request_id = ANY ($1::uuid[]) AND person_id = $2`,
    [requestIds, subject],
  );

/**
 * The mails about these requests are emptied, whoever got them, and so are the digests that they became part of. Of one that was
 * not sent yet whoever is still there is told that there was one; a digest that was not sent falls apart into its mails.
 */
export const eraseMails = async (
  tx: Tx,
  { workspaceId, subject }: ErasureScope,
  requestIds: readonly string[],
  /** The subject is still there. */
  isActive: boolean,
  { publicUrl }: Pick<MailSettings, 'publicUrl'>,
): Promise<number> => {
  const rows = await tx.query<MailRow>(
    'SELECT id, digest_id FROM mail WHERE request_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE',
    [requestIds],
  );
  if (rows.length === 0) return 0;
  const digests = [...new Set(rows.flatMap(({ digest_id: id }) => id ?? []))];
  if (digests.length > 0) await releaseParts(tx, digests);
  // Nobody waits for what is older than the time for which it is kept.
  const waiting = subject === null ? [] : await unsentMails(tx, requestIds, isActive ? null : subject);
  const told = new Set(waiting.map(({ id }) => id));
  const ended = [...rows.map(({ id }) => id), ...digests].filter((id) => !told.has(id));
  tx.write(
    `UPDATE mail SET ${emptied},
            recipient = CASE WHEN person_id = coalesce($2, person_id) THEN NULL ELSE recipient END,
            recipient_name = CASE WHEN person_id = coalesce($2, person_id) THEN 'Erased' ELSE recipient_name END
      WHERE id = ANY ($1::uuid[])`,
    [ended, subject],
  );
  if (waiting.length > 0) await tellLess(tx, workspaceId, waiting, publicUrl);
  return rows.length + digests.length;
};

/** What has been gathered into digests that were not sent goes by itself. */
const releaseParts = async (sql: Sql, digests: readonly string[]): Promise<void> => {
  await sql.query(
    `WITH unsent AS (SELECT id FROM mail WHERE id = ANY ($1::uuid[]) AND state = 'pending' ORDER BY id FOR UPDATE)
     UPDATE mail m SET state = 'pending', digest_id = NULL, due_at = now(), finished_at = NULL, untold = false
       FROM unsent WHERE m.digest_id = unsent.id AND m.state = 'gathered'`,
    [digests],
  );
};

const unsentMails = (sql: Sql, requestIds: readonly string[], gone: string | null): Promise<UnsentMail[]> =>
  sql.query<UnsentMail>(
    `SELECT id, person_id, request_id, recipient_name FROM mail
      WHERE request_id = ANY ($1::uuid[]) AND state IN (${unsent}) AND person_id IS DISTINCT FROM $2::uuid ORDER BY id`,
    [requestIds, gone],
  );

const tellLess = async (
  tx: Tx,
  workspaceId: string,
  mails: readonly UnsentMail[],
  publicUrl: string,
): Promise<void> => {
  const people = [...new Set(mails.map(({ person_id: personId }) => personId))];
  const audience = await readAudience(
    tx,
    [workspaceId],
    people.map((personId) => ({ workspaceId, personId })),
  );
  const workspace = audience.workspace(workspaceId);
  const notices = mails.map((mail): Notice => {
    const { language } = readerOf(audience.reading(workspaceId, mail.person_id), workspace);
    return erasedNotice(mail.recipient_name, `${publicUrl}/v1/requests/${mail.request_id}`, {
      language,
      workspace: workspace.name,
    });
  });
  tx.write(
    `UPDATE mail m SET subject = n.subject, text_body = n.text, html_body = n.html, links = '[]', error = NULL,
            content = CASE WHEN m.state = 'held' THEN n.content END
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::json[]) AS n (id, subject, text, html, content) WHERE m.id = n.id`,
    [
      mails.map(({ id }) => id),
      notices.map(({ subject }) => subject),
      notices.map(({ text }) => text),
      notices.map(({ html }) => html),
      notices.map(({ content }) => JSON.stringify(content)),
    ],
  );
};

/**
 * Mails that are about no one request: digests, and what owners of endpoints are told. What somebody active has yet to be
 * told goes on: what it says of requests that are erased has been taken from it.
 */
export const eraseDigests = async (sql: Sql, workspaceId: string, personId: string): Promise<number> => {
  const rows = await sql.query(
    `UPDATE mail SET ${emptied}, recipient = NULL, recipient_name = 'Erased'
      WHERE person_id = $2 AND request_id IS NULL AND recipient_name <> 'Erased'
        AND NOT (state IN (${unsent}) AND EXISTS (SELECT FROM person WHERE workspace_id = $1 AND id = $2 AND active)) RETURNING 1`,
    [workspaceId, personId],
  );
  return rows.length;
};
