import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';

/** A remark on a request. Its id is that of the command that made it. */
export interface Comment {
  id: string;
  requestId: string;
  text: string;
  author: Actor;
  createdAt: string;
}

export const commentSchema = {
  type: 'object',
  required: ['id', 'requestId', 'text', 'author', 'createdAt'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    requestId: { type: 'string', format: 'uuid' },
    text: { type: 'string' },
    author: { type: 'object' },
    createdAt: { type: 'string', format: 'date-time' },
  },
};

/** The comment as the request's timeline has it; null when there is none with that id. */
export const findComment = async (sql: Sql, requestId: string, id: string): Promise<Comment | null> => {
  const [row] = await sql.query<{ at: Date; actor: Actor; text: string }>(
    `SELECT at, actor, detail ->> 'text' AS text FROM request_event
      WHERE request_id = $1 AND type = 'request.commented' AND detail ->> 'commentId' = $2`,
    [requestId, id],
  );
  return row ? { id, requestId, text: row.text, author: row.actor, createdAt: row.at.toISOString() } : null;
};
