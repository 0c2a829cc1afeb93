import { Problem } from '@countersign/service-kit';
import type { Sql } from '@countersign/persistence';
import type { ChatChannelRow, ChatFormat } from './chat-channel';

const columns =
  'id, name, format, masked_url, user_id, group_name, workflows, events, state, disabled_reason, version, created_at';

export interface ChatChannelSettings {
  name: string;
  format: ChatFormat;
  sealedUrl: Buffer;
  maskedUrl: string;
  userId: string | null;
  group: string | null;
  workflows: string[] | null;
  events: string[];
}

export const insertChannel = async (
  sql: Sql,
  id: string,
  workspaceId: string,
  settings: ChatChannelSettings,
): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(
    `INSERT INTO chat_channel (id, workspace_id, name, format, url, masked_url, user_id, group_name, workflows, events)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${columns}`,
    [
      id,
      workspaceId,
      settings.name,
      settings.format,
      settings.sealedUrl,
      settings.maskedUrl,
      settings.userId,
      settings.group,
      settings.workflows,
      settings.events,
    ],
  );
  if (!row) throw new Error('a channel that was just made is not there');
  return row;
};

/** Throws Problem not_found. */
export const findChannel = async (sql: Sql, id: string): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(`SELECT ${columns} FROM chat_channel WHERE id = $1`, [id]);
  if (!row) throw Problem.notFound('chat channel');
  return row;
};

/** Newest first; of a limited key those in its reach. */
export const listChannels = (
  sql: Sql,
  workspaceId: string,
  before: string | null,
  limit: number,
  allowed: string[] | null,
): Promise<ChatChannelRow[]> =>
  sql.query<ChatChannelRow>(
    `SELECT ${columns} FROM chat_channel
      WHERE workspace_id = $1 AND ($2::uuid IS NULL OR id < $2)
        AND ($4::text[] IS NULL OR (cardinality(workflows) > 0 AND workflows <@ $4))
      ORDER BY id DESC LIMIT $3`,
    [workspaceId, before, limit, allowed],
  );

/** Its messages stay as history; those under way are not sent any more. Answers whether it was still there. */
export const deleteChannel = async (sql: Sql, id: string): Promise<boolean> =>
  (await sql.query('DELETE FROM chat_channel WHERE id = $1 RETURNING id', [id])).length > 0;

export const enableChannel = async (sql: Sql, id: string): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(
    `UPDATE chat_channel SET state = 'enabled', disabled_reason = NULL, version = version + (state <> 'enabled')::int
      WHERE id = $1 RETURNING ${columns}`,
    [id],
  );
  if (!row) throw Problem.notFound('chat channel');
  return row;
};
