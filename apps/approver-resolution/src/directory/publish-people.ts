import type { DirectoryPerson } from '@countersign/contracts';
import type { Cause, Tx } from '@countersign/messaging';
import { directoryPeople } from './user.rows';

/** The most that one message names, people or ids. */
const mostPerMessage = 500;
/** And the most bytes that its people have; somebody in thousands of groups has more, and a message alone. */
const mostBytesPerMessage = 256 * 1024;
/** People that are read at once, for the same reason. */
const mostRead = 50;
/** Messages wait in memory until the commit: so many bytes of people for whom a change of somebody else is told at once. */
const mostBytesAtOnce = 1024 * 1024;

const chunksOf = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));

/**
 * Tells the other services how these people now are, until that has come to `mostBytes`. Returns how many bytes it was, and
 * who is left. What is read together is of one moment, and their newest version wins wherever it arrives.
 */
export const publishPeople = async (
  tx: Tx,
  workspaceId: string,
  ids: readonly string[],
  cause: Cause,
  mostBytes = Infinity,
): Promise<{ bytes: number; left: readonly string[] }> => {
  let page: DirectoryPerson[] = [];
  let [bytes, pageBytes, told] = [0, 0, 0];
  const send = () => {
    if (page.length > 0)
      tx.publish({ type: 'directory.changed.v1', workspaceId, cause, data: { people: page, deleted: [] } });
    [page, pageBytes] = [[], 0];
  };
  for (; told < ids.length && bytes < mostBytes; told += mostRead) {
    for (const person of await directoryPeople(tx, ids.slice(told, told + mostRead))) {
      const size = Buffer.byteLength(JSON.stringify(person));
      if (page.length === mostPerMessage || pageBytes + size > mostBytesPerMessage) send();
      page.push(person);
      pageBytes += size;
      bytes += size;
    }
  }
  send();
  return { bytes, left: ids.slice(told) };
};

/** Has us tell of people later, in transactions of their own. */
export const publishLater = (tx: Tx, workspaceId: string, ids: readonly string[], cause: Cause): void => {
  for (const people of chunksOf(ids, mostPerMessage))
    tx.publish({ type: 'directory.publish.v1', workspaceId, cause, data: { people } });
};

/**
 * Whom a change of the directory is about: those who were written themselves, those for whom somebody or something else
 * has changed (a group, a manager who is gone), and those who are gone. The versions of the first two have been raised.
 */
export interface PeopleChange {
  changed: readonly string[];
  affected: readonly string[];
  deleted: readonly string[];
}

export const nobody: PeopleChange = { changed: [], affected: [], deleted: [] };

/**
 * Tells the other services of a change, however many people it is about. Versions must have been raised by an earlier
 * statement: the row locks that it took make what is read here the newest. Those who were written or are gone are told of
 * in this very transaction; of thousands who are in a group, most are told of after it.
 */
export const publishChange = async (
  tx: Tx,
  workspaceId: string,
  { changed, affected, deleted }: PeopleChange,
  cause: Cause,
): Promise<void> => {
  for (const chunk of chunksOf(deleted, mostPerMessage))
    tx.publish({ type: 'directory.changed.v1', workspaceId, cause, data: { people: [], deleted: chunk } });
  await publishPeople(tx, workspaceId, changed, cause);
  const { left } =
    affected.length > mostPerMessage
      ? { left: affected }
      : await publishPeople(tx, workspaceId, affected, cause, mostBytesAtOnce);
  publishLater(tx, workspaceId, left, cause);
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
