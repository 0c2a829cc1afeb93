import type { Sql } from '@countersign/persistence';

/** The chat messages about these requests are emptied; one that was not sent yet is not sent any more. */
export const eraseChats = async (sql: Sql, requestIds: readonly string[]): Promise<number> => {
  const rows = await sql.query(
    `UPDATE chat_message
        SET body = 'Erased', links = '[]', error = NULL, state = CASE WHEN state = 'pending' THEN 'skipped' ELSE state END,
            untold = untold OR state = 'pending',
            due_at = NULL, finished_at = coalesce(finished_at, now())
      WHERE id IN (SELECT id FROM chat_message WHERE request_id = ANY ($1::uuid[]) AND body <> 'Erased' ORDER BY id FOR UPDATE)
      RETURNING 1`,
    [requestIds],
  );
  // What a chat server answers may repeat what was posted.
  await sql.query(
    `UPDATE chat_channel SET last_error = 'Erased'
      WHERE last_error IS NOT NULL AND id IN (SELECT channel_id FROM chat_message WHERE request_id = ANY ($1::uuid[]))`,
    [requestIds],
  );
  return rows.length;
};
