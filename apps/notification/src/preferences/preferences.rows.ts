import type { Sql } from '@countersign/persistence';
import { defaultPreferences, type Preferences } from './preferences';

export interface StoredPreferences {
  preferences: Preferences;
  /** 0: nothing has ever been said. */
  version: number;
}

export const findPreferences = async (
  sql: Sql,
  workspaceId: string,
  personId: string,
): Promise<StoredPreferences> => {
  const [row] = await sql.query<{ preferences: Preferences; version: number }>(
    'SELECT preferences, version FROM notification_preference WHERE workspace_id = $1 AND person_id = $2',
    [workspaceId, personId],
  );
  return row ?? { preferences: defaultPreferences, version: 0 };
};

/** Stores them as the next version; null when that is not the version after `expected`. */
export const storePreferences = async (
  sql: Sql,
  workspaceId: string,
  personId: string,
  preferences: Preferences,
  expected: number | null,
): Promise<number | null> => {
  const [row] = await sql.query<{ version: number }>(
    `INSERT INTO notification_preference (workspace_id, person_id, preferences, version)
     SELECT $1, $2, $3, 1 WHERE $4::int IS NULL OR $4 = 0
         OR EXISTS (SELECT FROM notification_preference WHERE workspace_id = $1 AND person_id = $2)
     ON CONFLICT (workspace_id, person_id) DO UPDATE
        SET preferences = excluded.preferences, version = notification_preference.version + 1
      WHERE $4::int IS NULL OR notification_preference.version = $4
     RETURNING version`,
    [workspaceId, personId, JSON.stringify(preferences), expected],
  );
  return row?.version ?? null;
};
