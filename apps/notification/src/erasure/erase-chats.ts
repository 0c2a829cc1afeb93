import type { TransactionSql } from '@countersign/persistence';
import { releaseStandbyMails } from '../mail/standby-mail.rows';

/**
 * The chat messages about these requests are emptied; one that was not sent yet is not sent any more, and whoever it was for gets
 * the mail that stood by, as that is by now.
 */
export const eraseChats = async (
  sql: TransactionSql,
  requestIds: readonly string[],
  mailState: 'pending' | 'captured',
): Promise<number> => {
  const rows = await sql.query<{ id: string; state: string }>(
    `UPDATE chat_message
        SET body = 'Erased', links = '[]', error = NULL, state = CASE WHEN state = 'pending' THEN 'skipped' ELSE state END,
            untold = untold OR state = 'pending',
            due_at = NULL, finished_at = coalesce(finished_at, now())
      WHERE id IN (SELECT id FROM chat_message WHERE request_id = ANY ($1::uuid[]) AND body <> 'Erased' ORDER BY id FOR UPDATE)
      RETURNING id, state`,
    [requestIds],
  );
  const skipped = rows.filter(({ state }) => state === 'skipped').map(({ id }) => id);
  if (skipped.length > 0) releaseStandbyMails(sql, skipped, mailState);
  // What a chat server answers may repeat what was posted.
  await sql.query(
    `UPDATE chat_channel SET last_error = 'Erased'
      WHERE last_error IS NOT NULL AND id IN (SELECT channel_id FROM chat_message WHERE request_id = ANY ($1::uuid[]))`,
    [requestIds],
  );
  return rows.length;
};
