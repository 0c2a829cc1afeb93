import type { ErasureScope } from '@countersign/erasure';
import type { Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';

/** Somebody as a mail names them. */
export interface AddressedTo {
  id: string;
  userName: string;
  displayName: string;
}

interface MailRow extends Record<string, unknown> {
  id: string;
  digest_id: string | null;
  person_id: string;
  recipient: string | null;
  recipient_name: string;
}

const unsent = `'pending', 'held', 'standby'`;

const emptied = `subject = 'Erased', text_body = 'Erased', html_body = 'Erased', content = NULL, links = '[]', error = NULL,
  state = CASE WHEN state IN (${unsent}) THEN 'skipped' ELSE state END, untold = untold OR state IN (${unsent}), due_at = NULL, hold_until = NULL,
  finished_at = coalesce(finished_at, now())`;

/**
 * The mails about these requests are emptied, whoever got them, and so are the digests that they became part of; a digest
 * that was not sent yet falls apart into its other mails. Answers how the subject was addressed.
 */
export const eraseMails = async (
  tx: Tx,
  { subject }: ErasureScope,
  requestIds: readonly string[],
): Promise<{ mails: number; addressedTo: AddressedTo[] }> => {
  const rows = await tx.query<MailRow>(
    `SELECT id, digest_id, person_id, recipient, recipient_name FROM mail
      WHERE request_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
    [requestIds],
  );
  if (rows.length === 0) return { mails: 0, addressedTo: [] };
  const digests = [...new Set(rows.flatMap(({ digest_id: id }) => id ?? []))];
  if (digests.length > 0) await releaseOthers(tx, digests, requestIds);
  tx.write(
    `UPDATE mail SET ${emptied},
            recipient = CASE WHEN person_id = coalesce($2, person_id) THEN NULL ELSE recipient END,
            recipient_name = CASE WHEN person_id = coalesce($2, person_id) THEN 'Erased' ELSE recipient_name END
      WHERE id = ANY ($1::uuid[])`,
    [[...rows.map(({ id }) => id), ...digests], subject],
  );
  return {
    mails: rows.length + digests.length,
    addressedTo: rows
      .filter(({ person_id: id }) => id === subject)
      .map((row) => ({
        id: row.person_id,
        userName: row.recipient ?? row.recipient_name,
        displayName: row.recipient_name,
      })),
  };
};

const releaseOthers = async (
  sql: Sql,
  digests: readonly string[],
  requestIds: readonly string[],
): Promise<void> => {
  await sql.query(
    `WITH unsent AS (SELECT id FROM mail WHERE id = ANY ($1::uuid[]) AND state = 'pending' ORDER BY id FOR UPDATE)
     UPDATE mail m SET state = 'pending', digest_id = NULL, due_at = now(), finished_at = NULL, untold = false
       FROM unsent WHERE m.digest_id = unsent.id AND m.state = 'gathered' AND m.request_id <> ALL ($2::uuid[])`,
    [digests, requestIds],
  );
};

/** Mails that are about no one request: digests, and what owners of endpoints are told. */
export const eraseDigests = async (sql: Sql, personId: string): Promise<number> => {
  const rows = await sql.query(
    `UPDATE mail SET ${emptied}, recipient = NULL, recipient_name = 'Erased'
      WHERE person_id = $1 AND request_id IS NULL AND recipient_name <> 'Erased' RETURNING 1`,
    [personId],
  );
  return rows.length;
};
