import { Problem } from '@countersign/service-kit';
import type { Sql, TransactionSql } from '@countersign/persistence';
import type { ChatChannelRow, ChatFormat } from './chat-channel';
import { hastenChats } from './chat-message.rows';

const columns =
  'id, name, format, masked_url, user_id, group_name, workflows, events, state, disabled_reason, last_failed_at, last_error, version, created_at';

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

/** The same, locked for a change. Throws Problem version_mismatch when the caller has seen another version. */
export const lockChannel = async (
  sql: Sql,
  id: string,
  expectedVersion: number | null,
): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(
    `SELECT ${columns} FROM chat_channel WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (!row) throw Problem.notFound('chat channel');
  if (expectedVersion !== null && expectedVersion !== row.version)
    throw new Problem('version_mismatch', `The chat channel is at version ${row.version}.`);
  return row;
};

/** What of a channel may be changed; without a URL that stays. */
export type ChannelChange = Pick<ChatChannelSettings, 'name' | 'format' | 'workflows' | 'events'> &
  Partial<Pick<ChatChannelSettings, 'sealedUrl' | 'maskedUrl'>>;

export const updateChannel = async (
  sql: Sql,
  id: string,
  { name, format, sealedUrl, maskedUrl, workflows, events }: ChannelChange,
): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(
    `UPDATE chat_channel
        SET name = $2, format = $3, url = coalesce($4, url), masked_url = coalesce($5, masked_url), workflows = $6, events = $7,
            version = version + 1
      WHERE id = $1 RETURNING ${columns}`,
    [id, name, format, sealedUrl ?? null, maskedUrl ?? null, workflows, events],
  );
  if (!row) throw new Error('a channel that is locked is not there');
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

/** Its messages stay as history; those under way are not sent any more, but by mail. */
export const deleteChannel = async (sql: TransactionSql, id: string): Promise<void> => {
  hastenChats(sql, [id]);
  await sql.query('DELETE FROM chat_channel WHERE id = $1', [id]);
};

export const enableChannel = async (sql: Sql, id: string): Promise<ChatChannelRow> => {
  const [row] = await sql.query<ChatChannelRow>(
    `UPDATE chat_channel SET state = 'enabled', disabled_reason = NULL, version = version + (state <> 'enabled')::int
      WHERE id = $1 RETURNING ${columns}`,
    [id],
  );
  if (!row) throw Problem.notFound('chat channel');
  return row;
};
