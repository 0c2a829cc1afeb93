import { TILE_HEIGHT, type TileHash } from './tile';
import { emptyRoot, nodeHash } from './tree-hash';

const HASH_BYTES = 32;
const SIZE_BYTES = 8;
const MAX_SIZE = (1n << 63n) - 1n;

/**
 * All that a log must remember to grow (its compact range): the roots of the perfect subtrees that cover
 * it, left to right, so largest first: one for each bit set in `size`.
 */
export interface Frontier {
  readonly size: bigint;
  readonly hashes: readonly Buffer[];
}

/** As `Frontier`, with a size that may also be a safe integer. */
export interface FrontierInput {
  readonly size: bigint | number;
  readonly hashes: readonly Buffer[];
}

/** The frontier of a log without entries. */
export function emptyFrontier(): Frontier {
  return { size: 0n, hashes: [] };
}

/**
 * The frontier after the leaves, given by their `leafHash`; the argument stays as it was. `completed` is told of every
 * hash of a tile of level 1 and above that these leaves complete: they are at hand here, and nowhere else.
 * One hash per leaf on average, whatever the size. Throws `RangeError` for an impossible frontier.
 */
export function appendLeaves(
  frontier: FrontierInput,
  leafHashes: readonly Buffer[],
  completed?: (hash: TileHash) => void,
): Frontier {
  return appendSubtrees(frontier, 0, leafHashes, completed);
}

/**
 * The same for the roots of perfect subtrees of 2^height leaves each, such as the hashes of a tile level where the leaves are
 * gone. The size must be a multiple of 2^height. `completed` is told of the levels above.
 */
export function appendSubtrees(
  frontier: FrontierInput,
  height: number,
  roots: readonly Buffer[],
  completed: (hash: TileHash) => void = () => undefined,
): Frontier {
  const checked = check(frontier);
  const hashes = [...checked.hashes];
  const leaves = 1n << BigInt(height);
  let size = checked.size;
  if (size % leaves !== 0n) throw new RangeError('no subtree of this height begins at this size');
  for (const root of roots) {
    if (root.length !== HASH_BYTES) throw new RangeError('a hash of the tree has 32 bytes');
    let node = root;
    let reached = height;
    for (let rest = size >> BigInt(height); rest & 1n; rest >>= 1n) {
      node = nodeHash(hashes.pop()!, node);
      reached += 1;
      if (reached % TILE_HEIGHT === 0)
        completed({ level: reached / TILE_HEIGHT, index: size >> BigInt(reached), hash: node });
    }
    hashes.push(node);
    size += leaves;
  }
  return check({ size, hashes });
}

/** The RFC 6962 root (Merkle Tree Hash) of the log with this frontier. */
export function rootOf(frontier: FrontierInput): Buffer {
  const { hashes } = check(frontier);
  if (hashes.length === 0) return emptyRoot();
  return Buffer.from(hashes.reduceRight((right, left) => nodeHash(left, right)));
}

/** Bytes for one column: size (8, big-endian) ‖ hashes (32 each). */
export function serializeFrontier(frontier: FrontierInput): Buffer {
  const { size, hashes } = check(frontier);
  const head = Buffer.alloc(SIZE_BYTES);
  head.writeBigUInt64BE(size);
  return Buffer.concat([head, ...hashes]);
}

/** Reverses `serializeFrontier`; throws `RangeError` for anything that it did not make. */
export function parseFrontier(bytes: Uint8Array): Frontier {
  const buffer = Buffer.from(bytes);
  if (buffer.length < SIZE_BYTES || (buffer.length - SIZE_BYTES) % HASH_BYTES !== 0) {
    throw new RangeError('not a serialized frontier');
  }
  const hashes: Buffer[] = [];
  for (let at = SIZE_BYTES; at < buffer.length; at += HASH_BYTES)
    hashes.push(buffer.subarray(at, at + HASH_BYTES));
  return check({ size: buffer.readBigUInt64BE(), hashes });
}

function check({ size: given, hashes }: FrontierInput): Frontier {
  if (typeof given === 'number' && !Number.isSafeInteger(given))
    throw new RangeError('a log size is an integer');
  const size = BigInt(given);
  if (size < 0n || size > MAX_SIZE) throw new RangeError('a log size is between 0 and 2^63 - 1');
  if (hashes.length !== bitsSet(size) || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError('a frontier has one 32-byte hash for each bit set in its size');
  }
  return { size, hashes };
}

function bitsSet(value: bigint): number {
  let count = 0;
  for (let rest = value; rest > 0n; rest >>= 1n) count += Number(rest & 1n);
  return count;
}
