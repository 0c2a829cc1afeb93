/** Levels of the tree in a tile, c2sp.org/tlog-tiles. */
export const TILE_HEIGHT = 8;
/** Hashes or entries of a full tile. */
export const TILE_WIDTH = 256;
/** What the two bytes before an entry in a bundle can say. */
export const MAX_BUNDLED_LEAF = 65_535;

const HASH_BYTES = 32;
const LENGTH_BYTES = 2;
const MAX_LEVEL = 63;
// A log has fewer than 2^63 entries: seven groups of three digits hold every tile's number.
const MAX_GROUPS = 7;

/** A hash in the tiles of a level: of height `TILE_HEIGHT` · level. */
export interface TileHash {
  level: number;
  index: bigint;
  hash: Buffer;
}

/** A tile by what its path says. */
export interface Tile {
  /** `entries`: a bundle of entries. */
  level: number | 'entries';
  index: bigint;
  /** Hashes or entries in it, 1 to 256; a full tile has 256. */
  width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, relative to the log's prefix (c2sp.org/tlog-tiles). */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0n; rest /= 1000n)
    groups.unshift(String(rest % 1000n).padStart(3, '0'));
  const name = groups.map((group, n) => (n < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** Reads what `tilePath` writes; null for everything else, other spellings of a tile's path included. */
export function parseTilePath(path: string): Tile | null {
  const match = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  const [, level, name, width] = match ?? [];
  if (level === undefined || name === undefined) return null;
  const groups = name.split('/');
  if (groups.length > MAX_GROUPS || (groups.length > 1 && groups[0] === 'x000')) return null;
  if (level !== 'entries' && Number(level) > MAX_LEVEL) return null;
  if (width !== undefined && Number(width) >= TILE_WIDTH) return null;
  return {
    level: level === 'entries' ? level : Number(level),
    index: BigInt(name.replace(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
}

/** How many hashes a level has in a log of this size. */
export function hashesAt(level: number, size: bigint): bigint {
  return size >> BigInt(TILE_HEIGHT * level);
}

/** Whether a log of this size has all of the tile. */
export function isWithin({ level, index, width }: Tile, size: bigint): boolean {
  return index * BigInt(TILE_WIDTH) + BigInt(width) <= hashesAt(level === 'entries' ? 0 : level, size);
}

/** Every tile of a log of this size, the partial ones at the right included; `entries` are the bundles. */
export function* tilesOf(size: bigint, level: number | 'entries'): Generator<Tile> {
  const hashes = hashesAt(level === 'entries' ? 0 : level, size);
  for (let from = 0n; from < hashes; from += BigInt(TILE_WIDTH)) {
    const left = hashes - from;
    yield {
      level,
      index: from / BigInt(TILE_WIDTH),
      width: left < BigInt(TILE_WIDTH) ? Number(left) : TILE_WIDTH,
    };
  }
}

/** The hashes of a tile's bytes; throws `RangeError` when they are not whole. */
export function parseTile(bytes: Uint8Array): Buffer[] {
  if (bytes.length === 0 || bytes.length % HASH_BYTES !== 0 || bytes.length > HASH_BYTES * TILE_WIDTH)
    throw new RangeError('a tile has 1 to 256 hashes of 32 bytes');
  const buffer = Buffer.from(bytes);
  return Array.from({ length: bytes.length / HASH_BYTES }, (_, n) =>
    buffer.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  );
}

/** An entry bundle: each leaf after its length in two bytes. Throws `RangeError` for a leaf above `MAX_BUNDLED_LEAF`. */
export function entryBundle(leaves: readonly Uint8Array[]): Buffer {
  const parts = leaves.flatMap((leaf) => {
    if (leaf.length > MAX_BUNDLED_LEAF)
      throw new RangeError(`a leaf has more than ${MAX_BUNDLED_LEAF} bytes`);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(leaf.length);
    return [length, leaf];
  });
  return Buffer.concat(parts);
}

/** The leaves of a bundle; throws `RangeError` when one is cut off. */
export function parseEntryBundle(bytes: Uint8Array): Buffer[] {
  const buffer = Buffer.from(bytes);
  const leaves: Buffer[] = [];
  for (let at = 0; at < buffer.length;) {
    const from = at + LENGTH_BYTES;
    const to = from <= buffer.length ? from + buffer.readUInt16BE(at) : Infinity;
    if (to > buffer.length) throw new RangeError('the bundle ends within an entry');
    leaves.push(buffer.subarray(from, to));
    at = to;
  }
  return leaves;
}
