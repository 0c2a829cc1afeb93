// @ts-check
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EarlierCheckpoints } from './earlier-checkpoints.mjs';
import { leafHash, Tree } from './tree.mjs';
import { cosigners, openCheckpoint } from './note.mjs';
import { Unable, Wrong } from './failure.mjs';

const WIDTH = 256n;
const HASH_BYTES = 32;
const TRIES = 4;
/** Of files that were mended. */
const MOST_NAMED = 5;

/** c2sp.org/tlog-tiles. @param {number | 'entries'} level @param {bigint} index @param {number} width */
export function tilePath(level, index, width) {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const name = groups.map((group, n) => (n < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width < 256 ? `.p/${width}` : ''}`;
}

/**
 * Brings a folder up to the log's newest checkpoint, and verifies it: every entry against its leaf hash, all leaf hashes against the
 * signed root, and the tree against the checkpoint that the folder had before and those that witnesses have signed. What is there
 * already is not fetched again, and if it was verified before and nobody has touched it since, not read again either.
 *
 * @param {object} options
 * @param {string} options.url where /v1/audit/log is
 * @param {string} options.dir
 * @param {import('./note.mjs').Key} options.key
 * @param {readonly import('./note.mjs').Key[]} options.witnesses
 * @param {string | undefined} options.apiKey
 * @param {boolean} options.isFull verifies entries that were verified before, too
 * @param {(line: string) => void} options.log
 * @returns {Promise<Mirrored>}
 *
 * @typedef {object} Mirrored
 * @property {bigint} size
 * @property {bigint | null} before the size that the folder had before
 * @property {bigint} firstIndex what was before has been pruned
 * @property {bigint} now how many entries were read
 * @property {bigint} earlier how many were read by an earlier run
 * @property {{ count: number, names: readonly string[] }} mended files that were missing or wrong in the folder, the first by name
 * @property {readonly { name: string, at: Date, size: bigint }[]} cosigned how far each witness vouches
 * @property {readonly { name: string, size: bigint }[]} unjudged what witnesses have signed, but was pruned around its end
 */
export async function mirror({ url, dir, key, witnesses, apiKey, isFull, log }) {
  const source = new Source(url, apiKey);
  await mkdir(dir, { recursive: true });
  const kept = await readFile(path.join(dir, 'checkpoint'), 'utf8').catch(() => null);
  const before = kept === null ? null : openCheckpoint(kept, key);
  const folder = new Folder(
    dir,
    source,
    kept === null ? null : await changedAt(path.join(dir, 'checkpoint')),
  );
  // The newest checkpoint comes last: it must not be behind one that a witness has signed.
  const older = await cosignedBy(source, witnesses, key);
  const note = (await source.get('checkpoint')).toString('utf8');
  const newest = openCheckpoint(note, key);
  if (before && newest.size < before.size)
    throw new Wrong(
      `index ${newest.size}: the log was cut off: it has ${newest.size} entries and had ${before.size}`,
    );
  const cosigned = [...older, ...cosignaturesOn(newest, witnesses)];
  for (const { name, checkpoint } of cosigned)
    if (newest.size < checkpoint.size)
      throw new Wrong(
        `index ${newest.size}: the log was cut off: it has ${newest.size} entries, and ${name} has signed ${checkpoint.size}`,
      );
  const tree = new Tree();
  const signed = cosigned.map(({ name, checkpoint }) => ({ ...checkpoint, of: `that ${name} has signed` }));
  const earlierOnes = new EarlierCheckpoints([
    ...(before ? [{ ...before, of: 'seen before' }] : []),
    ...signed,
  ]);
  let firstIndex = 0n;
  let now = 0n;
  let earlier = 0n;
  for (let from = 0n; from < newest.size; from += WIDTH) {
    const index = from / WIDTH;
    const width = Number(newest.size - from < WIDTH ? newest.size - from : WIDTH);
    const wasThere = before !== null && from + BigInt(width) <= before.size;
    folder.fetched.clear();
    const isRead = wasThere && width === 256 && !isFull && (await folder.isUntouched(index));
    const { hashes, bundle } = await tile(folder, index, width, { wasThere, isRead });
    if (bundle) now += BigInt(width);
    else if (isRead) earlier += BigInt(width);
    else {
      // What is in the folder, but for its entries, may have been pruned since.
      const isStillThere = hashes !== null && (await source.ask(tilePath(0, index, width))) !== null;
      if (isStillThere) throw new Wrong(`index ${from}: the log has hashes for it, but no entries`);
      if (firstIndex !== from) await checkBeginning(source, index);
      firstIndex = from + WIDTH;
    }
    earlierOnes.check(tree);
    if (hashes === null) {
      // What is left of these entries is the hash above them.
      tree.appendPerfect(await hashAbove(folder, index, newest.size), 8);
      earlierOnes.skip(from, from + WIDTH);
    } else {
      for (const hash of hashes) {
        earlierOnes.check(tree);
        tree.append(hash);
      }
    }
    if (index % 1_000n === 999n) log(`${tree.size} of ${newest.size}`);
  }
  earlierOnes.check(tree);
  if (!tree.root().equals(newest.root))
    throw new Wrong(
      `index ${before?.size ?? 0n} to ${newest.size - 1n}: ${before ? `with the ${before.size} entries seen before, ` : ''}the tiles do not give the root that is signed for ${newest.size} entries${before ? ': the log forked, or they were changed' : ''}`,
    );
  const isUnseen = (/** @type {bigint} */ size) => earlierOnes.unseen.some((each) => each.size === size);
  if (before && isUnseen(before.size))
    throw new Unable(
      `index ${(before.size / WIDTH) * WIDTH} to ${before.size - 1n}: pruned since they were seen, so nothing can say whether they are still in the tree; all else is right. A new folder begins with what the log is now`,
    );
  await save(path.join(dir, 'checkpoint'), Buffer.from(note));
  const vouching = new Map(
    cosigned
      .filter(({ checkpoint }) => !isUnseen(checkpoint.size))
      .map(({ id, name, at, checkpoint }) => [id, { name, at, size: checkpoint.size }]),
  );
  return {
    size: newest.size,
    before: before?.size ?? null,
    firstIndex,
    now,
    earlier,
    mended: folder.mended,
    cosigned: [...vouching.values()],
    unjudged: cosigned
      .filter(({ checkpoint }) => isUnseen(checkpoint.size))
      .map(({ name, checkpoint }) => ({ name, size: checkpoint.size })),
  };
}

/**
 * The newest checkpoint that each witness has signed, for those that have signed any.
 *
 * @param {Source} source
 * @param {readonly import('./note.mjs').Key[]} witnesses
 * @param {import('./note.mjs').Key} key
 */
async function cosignedBy(source, witnesses, key) {
  const found = [];
  for (const witness of witnesses) {
    const note = await source.ask(`cosigned-checkpoint?witness=${witness.id.toString('hex')}`);
    if (note) found.push(...cosignaturesOn(openCheckpoint(note.toString('utf8'), key), [witness]));
  }
  return found;
}

/** @param {import('./note.mjs').Checkpoint} checkpoint @param {readonly import('./note.mjs').Key[]} witnesses */
const cosignaturesOn = (checkpoint, witnesses) =>
  witnesses.flatMap((witness) =>
    cosigners(checkpoint, [witness]).map((each) => ({ ...each, id: witness.id.toString('hex'), checkpoint })),
  );

/**
 * The leaf hashes of a tile and, unless they were read before, its entries, which give these hashes. Null is what was pruned. What in
 * the folder does not fit is taken from the log again.
 *
 * @param {Folder} folder
 * @param {bigint} index
 * @param {number} width
 * @param {{ wasThere: boolean, isRead: boolean }} options
 * @returns {Promise<{ hashes: Buffer[] | null, bundle: Buffer | null }>}
 */
async function tile(folder, index, width, { wasThere, isRead }) {
  const ofHashes = tilePath(0, index, width);
  const ofEntries = tilePath('entries', index, width);
  const bytes = await folder.take(ofHashes, wasThere, width * HASH_BYTES);
  const bundle = bytes && !isRead ? await folder.take(ofEntries, wasThere) : null;
  if (!bytes || !bundle) return { hashes: bytes && hashesIn(bytes), bundle: null };
  const fault = faultOfBundle(bundle, index, hashesIn(bytes));
  if (fault === null) return { hashes: hashesIn(bytes), bundle };
  const isMended = [await folder.mend(ofHashes, bytes), await folder.mend(ofEntries, bundle)].includes(true);
  if (!isMended) throw new Wrong(fault);
  return tile(folder, index, width, { wasThere, isRead });
}

/** @param {Folder} folder @param {bigint} index @param {bigint} size */
async function hashAbove(folder, index, size) {
  const above = index / WIDTH;
  const left = (size >> 8n) - above * WIDTH;
  const width = Number(left < WIDTH ? left : WIDTH);
  const bytes = await folder.take(tilePath(1, above, width), false, width * HASH_BYTES);
  if (!bytes) throw new Wrong(`index ${index * WIDTH}: the log has no hash for it`);
  return /** @type {Buffer} */ (hashesIn(bytes)[Number(index % WIDTH)]);
}

/** What is pruned is the beginning of a log: that it has not got the tile before one that it has not got. @param {Source} source @param {bigint} index */
async function checkBeginning(source, index) {
  if (index > 0n && (await source.ask(tilePath(0, index - 1n, 256))))
    throw new Wrong(`index ${index * WIDTH}: the log has no hashes for it, but for those before`);
}

/** @param {Buffer} bytes @param {bigint} index @param {Buffer[]} hashes @returns {string | null} */
function faultOfBundle(bytes, index, hashes) {
  let at = 0;
  for (const [n, hash] of hashes.entries()) {
    const place = index * WIDTH + BigInt(n);
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Infinity;
    if (end > bytes.length) return `index ${place}: its bundle ends before it`;
    if (!leafHash(bytes.subarray(at + 2, end)).equals(hash))
      return `index ${place}: what it says does not give its leaf hash`;
    at = end;
  }
  return at === bytes.length ? null : `index ${index * WIDTH}: its bundle has more entries than its tile`;
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

/**
 * When a file was last changed in any way, by the clock of its file system; null when there is nothing in it.
 *
 * @param {string} file
 */
const changedAt = (file) =>
  stat(file).then(
    ({ ctimeMs, size }) => (size > 0 ? ctimeMs : null),
    () => null,
  );

/** What is kept of a log. */
class Folder {
  /**
   * @param {string} dir
   * @param {Source} source
   * @param {number | null} verifiedAt when a run was last through with it
   */
  constructor(dir, source, verifiedAt) {
    this.dir = dir;
    this.source = source;
    this.verifiedAt = verifiedAt;
    /** @type {{ count: number, names: string[] }} files that were missing or wrong, and fetched again */
    this.mended = { count: 0, names: [] };
    /** @type {Set<string>} what of the present tile has just been fetched */
    this.fetched = new Set();
  }

  /** @param {string} name */
  fileOf(name) {
    return path.join(this.dir, ...name.split('/'));
  }

  /** Whether the files of a whole tile are there, and were not changed since they were verified. @param {bigint} index */
  async isUntouched(index) {
    for (const level of /** @type {const} */ ([0, 'entries'])) {
      const at = await changedAt(this.fileOf(tilePath(level, index, 256)));
      if (at === null || this.verifiedAt === null || at > this.verifiedAt) return false;
    }
    return true;
  }

  /**
   * From the folder, else from the log; null when the log has it not.
   *
   * @param {string} name
   * @param {boolean} wasThere whether it should be in the folder
   * @param {number} [length] that it must have
   */
  async take(name, wasThere, length) {
    const file = this.fileOf(name);
    const found = await readFile(file).catch(() => null);
    if (found && (length === undefined || found.length === length)) return found;
    const bytes = await this.source.ask(name);
    if (bytes && length !== undefined && bytes.length !== length)
      throw new Wrong(`${name} has ${bytes.length} bytes`);
    if (found && !bytes) await rm(file);
    if (bytes) {
      this.fetched.add(name);
      await save(file, bytes);
      if (found || wasThere) this.tellMended(name);
    }
    return bytes;
  }

  /** Fetches again what is in the folder; whether that is something else. @param {string} name @param {Buffer} found */
  async mend(name, found) {
    if (this.fetched.has(name)) return false;
    const bytes = await this.source.ask(name);
    if (!bytes || bytes.equals(found)) return false;
    this.fetched.add(name);
    await save(this.fileOf(name), bytes);
    this.tellMended(name);
    return true;
  }

  /** @param {string} name */
  tellMended(name) {
    this.mended.count += 1;
    if (this.mended.names.length < MOST_NAMED) this.mended.names.push(name);
  }
}

/** A log over HTTP. */
class Source {
  /** @param {string} url @param {string | undefined} apiKey */
  constructor(url, apiKey) {
    this.prefix = url.replace(/\/+$/, '');
    /** @type {Record<string, string>} */
    this.headers = apiKey ? { authorization: `Bearer ${apiKey}` } : {};
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
