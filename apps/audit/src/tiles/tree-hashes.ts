import { hashOf, rangesOf, type HashLookup, type HashPlan, type HashRange } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { Problem } from '@countersign/service-kit';
import { prunedHashes, type LogSize } from '../log/stored-head';

/** Throws Problem not_found, with when it was pruned, for what needs the hash of an entry that is gone. */
export const refusePruned = (ranges: readonly HashRange[], log: LogSize): void => {
  if (ranges.every(({ level, from }) => from >= prunedHashes(level, log))) return;
  throw new Problem(
    'not_found',
    `This needs entries before ${log.firstIndex}, which were pruned${log.prunedAt ? ` at ${log.prunedAt.toISOString()}` : ''}.`,
  );
};

/** Hashes of tile levels by their indices, in one statement that reads by primary key. */
export const readHashes = async (
  sql: Sql,
  workspaceId: string,
  ranges: readonly HashRange[],
): Promise<HashLookup> => {
  const rows = await sql.query<{ level: number; index: string; hash: Buffer }>(
    `SELECT r.level, h.index, h.hash
       FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS r (level, first, last)
      CROSS JOIN LATERAL (
        SELECT index, leaf_hash AS hash FROM entry
         WHERE r.level = 0 AND workspace_id = $1 AND index BETWEEN r.first AND r.last
        UNION ALL
        SELECT index, hash FROM subtree
         WHERE r.level > 0 AND workspace_id = $1 AND level = r.level AND index BETWEEN r.first AND r.last) h`,
    [
      workspaceId,
      ranges.map(({ level }) => level),
      ranges.map(({ from }) => String(from)),
      ranges.map(({ to }) => String(to - 1n)),
    ],
  );
  const hashes = new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  return (level, index) => {
    const hash = hashes.get(`${level}/${index}`);
    if (!hash) throw new Error(`the log of ${workspaceId} lacks hash ${level}/${index}`);
    return hash;
  };
};

/** The hashes that some plans are for. Throws Problem not_found when they need pruned entries. */
export const readPlanned = async (
  sql: Sql,
  workspaceId: string,
  log: LogSize,
  plans: readonly HashPlan[],
): Promise<Buffer[]> => {
  const ranges = rangesOf(plans);
  refusePruned(ranges, log);
  const lookup = await readHashes(sql, workspaceId, ranges);
  return plans.map((plan) => hashOf(plan, lookup));
};
