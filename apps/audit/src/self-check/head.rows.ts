import type { Sql } from '@countersign/persistence';

/** What the head says, as it is stored, and whether anything is behind it: of one moment. */
export interface HeadAtOnce {
  frontier: Buffer;
  checkpoint: string;
  sealedSeed: Buffer;
  firstIndex: bigint;
  lastIndex: bigint | null;
}

/** By one statement: between two an append may be committed, or something pruned. */
export const readHeadAtOnce = async (sql: Sql, workspaceId: string): Promise<HeadAtOnce | null> => {
  const [row] = await sql.query<{
    frontier: Buffer;
    checkpoint: string;
    sealed_seed: Buffer;
    first_index: string;
    last: string | null;
  }>(
    `SELECT h.frontier, h.checkpoint, h.sealed_seed, h.first_index,
            (SELECT index FROM entry e WHERE e.workspace_id = h.workspace_id ORDER BY index DESC LIMIT 1) AS last
       FROM log_head h WHERE h.workspace_id = $1`,
    [workspaceId],
  );
  return row
    ? {
        frontier: row.frontier,
        checkpoint: row.checkpoint,
        sealedSeed: row.sealed_seed,
        firstIndex: BigInt(row.first_index),
        lastIndex: row.last === null ? null : BigInt(row.last),
      }
    : null;
};

/** What the log itself says of its last pruning. */
export interface PrunedEntry extends Record<string, unknown> {
  at: Date;
  content: unknown;
}

/** Of entries before an index, where one is given: of those that are signed. */
export const readNewestPruned = async (
  sql: Sql,
  workspaceId: string,
  before: bigint | null,
): Promise<PrunedEntry | null> => {
  const [row] = await sql.query<PrunedEntry>(
    `SELECT at, content FROM entry
      WHERE workspace_id = $1 AND type = 'log.pruned' AND ($2::bigint IS NULL OR index < $2) ORDER BY index DESC LIMIT 1`,
    [workspaceId, before === null ? null : String(before)],
  );
  return row ?? null;
};
