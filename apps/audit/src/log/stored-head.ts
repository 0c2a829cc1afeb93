import { hashesAt, parseFrontier, type Frontier } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';

/** The row of a workspace's log that every append changes. */
export interface StoredHead {
  frontier: Frontier;
  /** Signed by the log, without cosignatures. */
  checkpoint: string;
  sealedSeed: Buffer;
  /** Entries before this one have been pruned; a multiple of 256. */
  firstIndex: bigint;
  prunedAt: Date | null;
}

/** Without a lock, so that readers do not queue behind appends; null for a log that nothing was ever asked of. */
export const readHead = async (sql: Sql, workspaceId: string): Promise<StoredHead | null> => {
  const [row] = await sql.query<{
    frontier: Buffer;
    checkpoint: string;
    sealed_seed: Buffer;
    first_index: string;
    pruned_at: Date | null;
  }>(
    'SELECT frontier, checkpoint, sealed_seed, first_index, pruned_at FROM log_head WHERE workspace_id = $1',
    [workspaceId],
  );
  return row
    ? {
        frontier: parseFrontier(row.frontier),
        checkpoint: row.checkpoint,
        sealedSeed: row.sealed_seed,
        firstIndex: BigInt(row.first_index),
        prunedAt: row.pruned_at,
      }
    : null;
};

/** What proofs and tiles need to know of a log. */
export interface LogSize {
  size: bigint;
  firstIndex: bigint;
  prunedAt: Date | null;
}

export const readSize = async (sql: Sql, workspaceId: string): Promise<LogSize> => {
  const head = await readHead(sql, workspaceId);
  return head
    ? { size: head.frontier.size, firstIndex: head.firstIndex, prunedAt: head.prunedAt }
    : { size: 0n, firstIndex: 0n, prunedAt: null };
};

/** How many hashes of a tile level are gone: of level 0 those of pruned entries; those above stay for ever. */
export const prunedHashes = (level: number, { firstIndex }: LogSize): bigint =>
  level === 0 ? hashesAt(0, firstIndex) : 0n;
