import type { TransactionSql } from '@countersign/persistence';

/** Sends by mail what could not be posted to somebody's own channels: those of these chat messages that ended without that. */
export const releaseStandbyMails = (
  sql: TransactionSql,
  chatIds: readonly string[],
  state: 'pending' | 'captured',
): void =>
  sql.write(
    `UPDATE mail SET state = $2, due_at = CASE WHEN $2 = 'pending' THEN now() END,
                     finished_at = CASE WHEN $2 = 'pending' THEN NULL ELSE now() END, untold = $2 <> 'pending'
      WHERE id IN (SELECT m.id FROM chat_message c JOIN mail m ON m.event_id = c.event_id AND m.person_id = c.person_id
                    WHERE c.id = ANY ($1::uuid[]) AND c.state IN ('failed', 'skipped') AND m.state = 'standby'
                    ORDER BY m.id FOR UPDATE OF m)`,
    [chatIds, state],
  );

/** These have been posted: nobody needs the mails. */
export const dropStandbyMails = (sql: TransactionSql, chatIds: readonly string[]): void =>
  sql.write(
    `DELETE FROM mail
      WHERE id IN (SELECT m.id FROM chat_message c JOIN mail m ON m.event_id = c.event_id AND m.person_id = c.person_id
                    WHERE c.id = ANY ($1::uuid[]) AND c.state = 'sent' AND m.state = 'standby'
                    ORDER BY m.id FOR UPDATE OF m)`,
    [chatIds],
  );
