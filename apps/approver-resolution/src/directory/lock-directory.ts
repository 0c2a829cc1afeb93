import type { Tx } from '@countersign/messaging';

/** `shared` for a change that locks its rows in the order of their ids; `exclusive` for one that cannot. */
export type DirectoryLock = 'shared' | 'exclusive';

const texts = {
  shared: 'SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))',
  exclusive: 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))',
} as const;

/**
 * Locks a workspace's directory against other changes until the end of the transaction. Reads are not affected.
 *
 * A bulk takes row locks in whatever order its client chose, and a change of groups within groups concerns people whom
 * nobody can lock beforehand (somebody may be joining one of them right now): both are alone.
 */
export const lockDirectory = (tx: Tx, workspaceId: string, lock: DirectoryLock): Promise<unknown> =>
  tx.query(texts[lock], [`directory ${workspaceId}`]);

/** Thrown where a change turns out to need the exclusive lock. Upgrading a shared one would be a deadlock. */
export class NeedsExclusiveLock extends Error {
  override name = 'NeedsExclusiveLock';
}

/** Runs a change with the shared lock, and again with the exclusive one when it says that it needs it. */
export const withDirectoryLock = async <T>(run: (lock: DirectoryLock) => Promise<T>): Promise<T> => {
  try {
    return await run('shared');
  } catch (error) {
    if (error instanceof NeedsExclusiveLock) return run('exclusive');
    throw error;
  }
};
