import type { Cause, Tx } from '@countersign/messaging';
import { directoryPeople } from './user.rows';

/** The most that `directory.changed.v1` carries. */
const mostPerMessage = 500;

const chunksOf = <T>(list: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(list.length / mostPerMessage) }, (_, n) =>
    list.slice(n * mostPerMessage, (n + 1) * mostPerMessage),
  );

/**
 * Tells the other services how these people now are. Their versions must have been raised in this transaction by an
 * earlier statement: the row locks it took make what is read here the newest.
 */
const publishPeople = async (
  tx: Tx,
  workspaceId: string,
  ids: readonly string[],
  cause: Cause,
): Promise<void> => {
  for (const chunk of chunksOf(await directoryPeople(tx, ids))) {
    tx.publish({ type: 'directory.changed.v1', workspaceId, cause, data: { people: chunk, deleted: [] } });
  }
};

/** Whom a change of the directory is about: those whose versions it raised, and those who are gone. */
export interface PeopleChange {
  changed: readonly string[];
  deleted: readonly string[];
}

export const nobody: PeopleChange = { changed: [], deleted: [] };

/** Tells the other services of a change, however many people it is about. */
export const publishChange = async (
  tx: Tx,
  workspaceId: string,
  { changed, deleted }: PeopleChange,
  cause: Cause,
): Promise<void> => {
  for (const chunk of chunksOf(deleted)) {
    tx.publish({ type: 'directory.changed.v1', workspaceId, cause, data: { people: [], deleted: chunk } });
  }
  if (changed.length > 0) await publishPeople(tx, workspaceId, changed, cause);
};

/** Locks users in a fixed order and raises their versions. Returns those that are there. */
export const raiseVersions = async (tx: Tx, ids: readonly string[]): Promise<string[]> => {
  if (ids.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `WITH locked AS (
       SELECT id FROM user_ WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
     )
     UPDATE user_ u SET version = u.version + 1, changed_at = now()
       FROM locked WHERE u.id = locked.id
     RETURNING u.id`,
    [ids],
  );
  return rows.map((row) => row.id);
};
