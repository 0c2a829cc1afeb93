// @ts-check
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { leafHash, Tree } from './tree.mjs';
import { openCheckpoint } from './note.mjs';
import { Unable, Wrong } from './failure.mjs';

const WIDTH = 256n;
const HASH_BYTES = 32;
const TRIES = 4;

/** c2sp.org/tlog-tiles. @param {number | 'entries'} level @param {bigint} index @param {number} width */
export function tilePath(level, index, width) {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const name = groups.map((group, n) => (n < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < 256 ? `.p/${width}` : ''}`;
}

/**
 * Brings a folder up to the log's newest checkpoint, and verifies it: every entry against its leaf hash, all leaf hashes against the
 * signed root, and the tree against the checkpoint that the folder had before. What is there already is not fetched again.
 *
 * @param {object} options
 * @param {string} options.url where /v1/audit/log is
 * @param {string} options.dir
 * @param {import('./note.mjs').Key} options.key
 * @param {string | undefined} options.apiKey
 * @param {boolean} options.isFull verifies entries that were verified before, too
 * @param {(line: string) => void} options.log
 * @returns {Promise<{ size: bigint, before: bigint | null, firstIndex: bigint, note: string }>}
 */
export async function mirror({ url, dir, key, apiKey, isFull, log }) {
  const source = new Source(url, apiKey);
  await mkdir(dir, { recursive: true });
  const kept = await readFile(path.join(dir, 'checkpoint'), 'utf8').catch(() => null);
  const before = kept === null ? null : openCheckpoint(kept, key);
  const note = (await source.get('checkpoint')).toString('utf8');
  const newest = openCheckpoint(note, key);
  if (before && newest.size < before.size)
    throw new Wrong(
      `index ${newest.size}: the log was cut off: it has ${newest.size} entries and had ${before.size}`,
    );
  const tree = new Tree();
  let firstIndex = 0n;
  /** Entries that were seen before, and are gone without a hash that was. @type {bigint | null} */
  let unseen = null;
  for (let from = 0n; from < newest.size; from += WIDTH) {
    const index = from / WIDTH;
    const width = Number(newest.size - from < WIDTH ? newest.size - from : WIDTH);
    const isInFolder = before !== null && from + WIDTH <= before.size;
    if (before && tree.size === before.size) checkBefore(tree, before);
    const hashes = await tile(source, dir, index, width);
    const bundle =
      hashes && (!isInFolder || isFull) ? await bundleOf(source, dir, index, hashes.length) : null;
    if (hashes && bundle) checkBundle(bundle, index, hashes);
    if (hashes === null || (bundle === null && (!isInFolder || isFull))) {
      // What is in the folder, but for its entries, may have been pruned since.
      const isStillThere = hashes !== null && (await source.ask(tilePath(0, index, width))) !== null;
      if (isStillThere) throw new Wrong(`index ${from}: the log has hashes for it, but no entries`);
      if (firstIndex !== from) await checkBeginning(source, index);
      firstIndex = from + WIDTH;
    }
    if (hashes === null) {
      // What is left of these entries is the hash above them.
      tree.appendPerfect(await hashAbove(source, dir, index, newest.size), 8);
      if (before && from < before.size && before.size < from + WIDTH) unseen = from;
    } else {
      for (const hash of hashes) {
        if (before && tree.size === before.size) checkBefore(tree, before);
        tree.append(hash);
      }
    }
    if (index % 1_000n === 999n) log(`${tree.size} of ${newest.size}`);
  }
  if (before && tree.size === before.size) checkBefore(tree, before);
  if (!tree.root().equals(newest.root))
    throw new Wrong(
      `index ${before?.size ?? 0n} to ${newest.size - 1n}: ${before ? `with the ${before.size} entries seen before, ` : ''}the tiles do not give the root that is signed for ${newest.size} entries${before ? ': the log forked, or they were changed' : ''}`,
    );
  if (before && unseen !== null)
    throw new Unable(
      `index ${unseen} to ${before.size - 1n}: pruned since they were seen, so nothing can say whether they are still in the tree; all else is right. A new folder begins with what the log is now`,
    );
  await save(path.join(dir, 'checkpoint'), Buffer.from(note));
  return { size: newest.size, before: before?.size ?? null, firstIndex, note };
}

/** @param {Tree} tree @param {import('./note.mjs').Checkpoint} before */
function checkBefore(tree, before) {
  if (tree.root().equals(before.root)) return;
  throw new Wrong(
    `index 0 to ${before.size - 1n}: the log forked: its first ${before.size} entries are not those of the checkpoint seen before`,
  );
}

/** The leaf hashes of a tile; null when they were pruned. @param {Source} source @param {string} dir @param {bigint} index @param {number} width */
async function tile(source, dir, index, width) {
  const bytes = await source.kept(
    dir,
    tilePath(0, index, width),
    (found) => found.length === width * HASH_BYTES,
  );
  return bytes && hashesIn(bytes);
}

/** @param {Source} source @param {string} dir @param {bigint} index @param {bigint} size */
async function hashAbove(source, dir, index, size) {
  const above = index / WIDTH;
  const left = (size >> 8n) - above * WIDTH;
  const width = Number(left < WIDTH ? left : WIDTH);
  const bytes = await source.kept(
    dir,
    tilePath(1, above, width),
    (found) => found.length === width * HASH_BYTES,
  );
  if (!bytes) throw new Wrong(`index ${index * WIDTH}: the log has no hash for it`);
  return /** @type {Buffer} */ (hashesIn(bytes)[Number(index % WIDTH)]);
}

/** What is pruned is the beginning of a log: that it has not got the tile before one that it has not got. @param {Source} source @param {bigint} index */
async function checkBeginning(source, index) {
  if (index > 0n && (await source.ask(tilePath(0, index - 1n, 256))))
    throw new Wrong(`index ${index * WIDTH}: the log has no hashes for it, but for those before`);
}

/** The entries of a tile; null when they were pruned. @param {Source} source @param {string} dir @param {bigint} index @param {number} width */
const bundleOf = (source, dir, index, width) =>
  source.kept(dir, tilePath('entries', index, width), () => true);

/** @param {Buffer} bytes @param {bigint} index @param {Buffer[]} hashes */
function checkBundle(bytes, index, hashes) {
  let at = 0;
  for (const [n, hash] of hashes.entries()) {
    const place = index * WIDTH + BigInt(n);
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Infinity;
    if (end > bytes.length) throw new Wrong(`index ${place}: its bundle ends before it`);
    if (!leafHash(bytes.subarray(at + 2, end)).equals(hash))
      throw new Wrong(`index ${place}: what it says does not give its leaf hash`);
    at = end;
  }
  if (at !== bytes.length)
    throw new Wrong(`index ${index * WIDTH}: its bundle has more entries than its tile`);
}

/** @param {Buffer} bytes */
const hashesIn = (bytes) =>
  Array.from({ length: bytes.length / HASH_BYTES }, (_, n) =>
    bytes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  );

/** Never half a file under its name. @param {string} file @param {Buffer} bytes */
async function save(file, bytes) {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, bytes);
  await rename(`${file}.new`, file);
}

/** A log over HTTP. */
class Source {
  /** @param {string} url @param {string | undefined} apiKey */
  constructor(url, apiKey) {
    this.prefix = url.replace(/\/+$/, '');
    /** @type {Record<string, string>} */
    this.headers = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
  }

  /**
   * From the folder, else from the log; null when the log has it not.
   *
   * @param {string} dir
   * @param {string} name
   * @param {(bytes: Buffer) => boolean} isWhole
   */
  async kept(dir, name, isWhole) {
    const file = path.join(dir, ...name.split('/'));
    const found = await readFile(file).catch(() => null);
    if (found && isWhole(found)) return found;
    if (found) await rm(file);
    const bytes = await this.ask(name);
    if (bytes && !isWhole(bytes)) throw new Wrong(`${name} has ${bytes.length} bytes`);
    if (bytes) await save(file, bytes);
    return bytes;
  }

  /** @param {string} name */
  async get(name) {
    const bytes = await this.ask(name);
    if (!bytes) throw new Unable(`${this.prefix}/${name} is not there`);
    return bytes;
  }

  /** @param {string} name @returns {Promise<Buffer | null>} */
  async ask(name) {
    let why = '';
    for (let tries = 1; tries <= TRIES; tries++) {
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
      try {
        const answer = await fetch(`${this.prefix}/${name}`, {
          headers: this.headers,
          signal: AbortSignal.timeout(30_000),
        });
        if (answer.status === 404) return null;
        if (answer.ok) return Buffer.from(await answer.arrayBuffer());
        why = `answered ${answer.status}`;
        if (answer.status < 500 && answer.status !== 429) break;
      } catch (error) {
        why = /** @type {Error} */ (error).message;
      }
    }
    throw new Unable(`${this.prefix}/${name}: ${why}`);
  }
}
