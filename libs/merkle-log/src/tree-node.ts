import { emptyRoot, nodeHash } from './tree-hash';
import { TILE_HEIGHT } from './tile';

/** The root of a perfect subtree: of the leaves from `index` · 2^height, 2^height of them. */
export interface TreeNode {
  readonly height: number;
  readonly index: bigint;
}

/** A hash of a proof, or a root: that of the tree of some leaves, by the perfect subtrees that they consist of, left to right. */
export type HashPlan = readonly TreeNode[];

/** Hashes of a tile level that are needed, `to` excluded. */
export interface HashRange {
  readonly level: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** The hash of a tile level (0: leaf hashes) by its index. */
export type HashLookup = (level: number, index: bigint) => Buffer;

/**
 * The perfect subtrees of the leaves from `start` to `end` (excluded), which must be a range that RFC 6962 section 2.1
 * takes the hash of: then `start` is a multiple of every power of two below the length.
 */
export function planOfRange(start: bigint, end: bigint): HashPlan {
  const nodes: TreeNode[] = [];
  for (let at = start; at < end;) {
    const height = heightBelow(end - at);
    nodes.push({ height, index: at >> BigInt(height) });
    at += 1n << BigInt(height);
  }
  return nodes;
}

/** What must be read for the plans, each run of neighbours once: at most 255 hashes a level and side. */
export function rangesOf(plans: readonly HashPlan[]): HashRange[] {
  const ranges = plans.flat().map(rangeOf);
  ranges.sort((a, b) => a.level - b.level || (a.from < b.from ? -1 : 1));
  const joined: HashRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last && last.level === range.level && range.from <= last.to) {
      joined[joined.length - 1] = { ...last, to: range.to > last.to ? range.to : last.to };
    } else joined.push(range);
  }
  return joined;
}

/** The hash that a plan is for; that of no leaves is the root of an empty log. */
export function hashOf(plan: HashPlan, lookup: HashLookup): Buffer {
  const hashes = plan.map((node) => perfectHash(node, lookup));
  if (hashes.length === 0) return emptyRoot();
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

function rangeOf({ height, index }: TreeNode): HashRange {
  const below = BigInt(height % TILE_HEIGHT);
  return {
    level: Math.floor(height / TILE_HEIGHT),
    from: index << below,
    to: (index + 1n) << below,
  };
}

function perfectHash(node: TreeNode, lookup: HashLookup): Buffer {
  const { level, from, to } = rangeOf(node);
  let row: Buffer[] = [];
  for (let index = from; index < to; index++) row.push(lookup(level, index));
  while (row.length > 1) {
    row = row.flatMap((hash, n) => (n % 2 === 0 ? [nodeHash(hash, row[n + 1]!)] : []));
  }
  return row[0]!;
}

/** Of the largest power of two that is not above the count. */
function heightBelow(count: bigint): number {
  return count.toString(2).length - 1;
}
