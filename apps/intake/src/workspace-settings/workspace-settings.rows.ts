import type { Sql } from '@countersign/persistence';
import { defaultSettings, type StoredSettings } from './workspace-settings';

const columns =
  'name, language, timezone, decision_links AS "decisionLinks", decision_link_days AS "decisionLinkDays", version, is_language_said AS "isLanguageSaid", links_since AS "linksSince"';

/** The workspace's settings; the defaults, with an empty name, where nobody has called yet. */
export const findSettings = async (sql: Sql, workspaceId: string): Promise<StoredSettings> => {
  const [row] = await sql.query<StoredSettings & Record<string, unknown>>(
    `SELECT ${columns} FROM workspace_settings WHERE workspace_id = $1`,
    [workspaceId],
  );
  return row ?? { name: '', ...defaultSettings };
};

/** The same, made if need be and locked for a change. */
export const lockSettings = async (sql: Sql, workspaceId: string, name: string): Promise<StoredSettings> => {
  const { language, timezone, decisionLinks, decisionLinkDays, version, isLanguageSaid } = defaultSettings;
  await sql.query(
    `INSERT INTO workspace_settings (workspace_id, name, language, timezone, decision_links, decision_link_days, version, is_language_said)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [workspaceId, name, language, timezone, decisionLinks, decisionLinkDays, version, isLanguageSaid],
  );
  const [row] = await sql.query<StoredSettings & Record<string, unknown>>(
    `SELECT ${columns} FROM workspace_settings WHERE workspace_id = $1 FOR UPDATE`,
    [workspaceId],
  );
  if (!row) throw new Error('settings that were just made are not there');
  return row;
};

/** Stores all of them, as the next version. */
export const storeSettings = async (
  sql: Sql,
  workspaceId: string,
  settings: StoredSettings,
): Promise<StoredSettings> => {
  const [row] = await sql.query<StoredSettings & Record<string, unknown>>(
    `UPDATE workspace_settings
        SET name = $2, language = $3, timezone = $4, decision_links = $5, decision_link_days = $6, is_language_said = $7, links_since = $8,
            version = version + 1
      WHERE workspace_id = $1 RETURNING ${columns}`,
    [
      workspaceId,
      settings.name,
      settings.language,
      settings.timezone,
      settings.decisionLinks,
      settings.decisionLinkDays,
      settings.isLanguageSaid,
      settings.linksSince,
    ],
  );
  if (!row) throw new Error('settings that are locked are not there');
  return row;
};
