// @ts-check
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.mjs';
import { leafHash, Tree } from './tree.mjs';
import { Unable, Wrong } from './failure.mjs';

/** Entries are pruned by whole tiles. */
const TILE = 256;
/** After so many the rest is only counted. */
const MOST_TOLD = 20;
/** What an entry may have. Nothing signed covers another member: whoever put it there may have said anything. */
const OF_ENTRY = [
  'index',
  'id',
  'type',
  'at',
  'requestId',
  'requestVersion',
  'content',
  'sealed',
  'leafHash',
];
const OF_SEALED = ['subject', 'kind', 'salt', 'data', 'commitment'];
/** Of another length it could take over a part of the data: a salt that ends with "1", and 2, for one without, and 12. */
const SALT_BYTES = 32;

/**
 * @typedef {{ subject: string, kind: string, salt: string | null, data: unknown, commitment: string }} Sealed
 * @typedef {{ index: number, id: string, type: string, at: string, requestId: string | null, requestVersion: number | null,
 *   content: unknown, sealed: Sealed[], leafHash: string }} Entry
 * @typedef {{ values: number, entries: number, requests: number }} Erased sealed values that were erased, in how many entries; and
 *   how many entries tell that an erasure was asked for
 */

/** The hash of the leaf that an entry stands for: RFC 8785 JSON of what it says, with commitments for what is sealed. @param {Entry} entry */
export function hashOfEntry({ id, type, at, requestId, requestVersion, content, sealed }) {
  const commitments = sealed.map(({ subject, kind, commitment }) => ({ subject, kind, commitment }));
  const leaf = { v: 1, id, type, at, requestId, requestVersion, content, sealed: commitments };
  return leafHash(Buffer.from(canonicalJson(leaf)));
}

/** What is wrong with an entry by itself; null when nothing is. @param {Entry} entry @returns {string | null} */
export function faultOf(entry) {
  try {
    const extra = extraMember(entry);
    if (extra !== null) return `the member ${extra} is covered by no hash: it is not of the log`;
    if (hashOfEntry(entry).toString('base64') !== entry.leafHash)
      return 'what it says does not give its leafHash';
    const broken = entry.sealed.findIndex((sealed) => !fits(sealed));
    return broken < 0 ? null : `what is sealed in it (number ${broken}) does not fit its commitment`;
  } catch {
    return 'it is not an entry';
  }
}

/** What was erased has neither salt nor data. @param {Sealed} sealed */
function fits({ salt, data, commitment }) {
  if (salt === null) return data === null;
  const bytes = Buffer.from(salt, 'base64');
  if (bytes.length !== SALT_BYTES || bytes.toString('base64') !== salt) return false;
  return createHash('sha256').update(bytes).update(canonicalJson(data)).digest('base64') === commitment;
}

/** The first member that no hash covers, with where it stands. @param {Entry} entry @returns {string | null} */
function extraMember(entry) {
  /** @param {object} value @param {string[]} known */
  const beyond = (value, known) => Object.keys(value).find((name) => !known.includes(name));
  const own = beyond(entry, OF_ENTRY);
  if (own !== undefined) return JSON.stringify(own);
  for (const [n, sealed] of entry.sealed.entries()) {
    const inside = beyond(sealed, OF_SEALED);
    if (inside !== undefined) return `${JSON.stringify(inside)} of sealed number ${n}`;
  }
  return null;
}

/**
 * Verifies an export, line by line: every entry, that none is missing, and that all together they are the tree that is signed.
 *
 * @param {AsyncIterable<string>} lines
 * @param {{ size: bigint, root: Buffer }} checkpoint
 * @returns {Promise<{ entries: bigint, erased: Erased }>} how many there are, and what was erased
 * @throws {Wrong} with all that is wrong, each with its index
 * @throws {Unable} when nothing is, but the first entries were pruned: without them the tree cannot be made
 */
export async function verifyExport(lines, { size, root }) {
  const tree = new Tree();
  /** @type {string[]} */
  const faults = [];
  let count = 0;
  const erased = { values: 0, entries: 0, requests: 0 };
  let number = 0;
  let first = 0;
  let isPruned = false;
  /** @param {string} fault */
  const found = (fault) => void (++count <= MOST_TOLD && faults.push(fault));
  let rootAtSize = size === 0n ? tree.root() : null;
  let isWhole = true;
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    const entry = parse(line);
    if (!entry) {
      found(`line ${number}: not an entry`);
      isWhole = false;
      continue;
    }
    if (tree.size === 0n && entry.index > 0 && number === 1) {
      first = entry.index;
      tree.size = BigInt(first);
      isWhole = false;
    }
    const expected = tree.size;
    if (BigInt(entry.index) !== expected) {
      found(
        entry.index > expected
          ? `index ${expected}: missing, ${entry.index} follows`
          : `index ${entry.index}: comes again or out of order, after ${expected - 1n}`,
      );
      isWhole = false;
    }
    const fault = isAmbiguous(line, entry) ? AMBIGUOUS : faultOf(entry);
    if (fault) found(`index ${entry.index}: ${fault}`);
    const values = Array.isArray(entry.sealed)
      ? entry.sealed.filter((each) => each?.salt === null).length
      : 0;
    erased.values += values;
    if (values > 0) erased.entries += 1;
    if (entry.type === 'erasure.requested') erased.requests += 1;
    if (entry.type === 'log.pruned' && sizeOf(entry.content) === first && first % TILE === 0) isPruned = true;
    const hash = Buffer.from(String(entry.leafHash), 'base64');
    // Goes on behind a gap, so that all that is wrong is told.
    if (BigInt(entry.index) > expected) tree.size = BigInt(entry.index);
    if (isWhole) tree.append(hash);
    else tree.size += 1n;
    if (isWhole && tree.size === size) rootAtSize = tree.root();
  }
  if (tree.size < size)
    found(`index ${tree.size}: missing, the export ends here, but the checkpoint covers ${size} entries`);
  if (tree.size > size)
    found(`index ${size}: not covered by the checkpoint; take one that is newer than the export`);
  if (isWhole && rootAtSize && !rootAtSize.equals(root))
    found(
      `index 0 to ${size - 1n}: the leaf hashes do not give the root that is signed: entries were exchanged, changed with their hashes, or the log forked`,
    );
  if (first > 0 && !isPruned) {
    count += 1;
    faults.unshift(`index 0: missing, ${first} follows`);
    faults.splice(MOST_TOLD);
  }
  if (count > MOST_TOLD) faults.push(`and ${count - MOST_TOLD} more`);
  if (count > 0) throw new Wrong(faults.join('\n'));
  if (first > 0)
    throw new Unable(
      `the entries before ${first} were pruned, as the log says: those from ${first} to ${tree.size - 1n} are right by themselves and none is missing, but what is signed is the tree with those that are gone; mirror verifies it`,
    );
  return { entries: tree.size, erased };
}

/** @param {unknown} content */
const sizeOf = (content) => /** @type {{ size?: unknown } | null} */ (content)?.size;

/** What is told of it. */
export const AMBIGUOUS = 'a member stands in it twice: readers may see different things';

/**
 * Whether a text of JSON has a member twice in one object: then it has more names than its value. A text is followed by a colon when
 * it is a name, and only then.
 *
 * @param {string} text
 * @param {unknown} value
 */
export function isAmbiguous(text, value) {
  let names = 0;
  for (let from = text.indexOf('"'); from >= 0;) {
    let end = text.indexOf('"', from + 1);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    let next = end + 1;
    while (/\s/.test(text.charAt(next))) next += 1;
    if (text.charAt(next) === ':') names += 1;
    from = text.indexOf('"', next);
  }
  return names !== namesIn(value);
}

/** @param {string} text @param {number} at */
function isEscaped(text, at) {
  let backslashes = 0;
  while (text.charAt(at - 1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** @param {unknown} value @returns {number} */
function namesIn(value) {
  if (typeof value !== 'object' || value === null) return 0;
  const members = Object.values(value);
  return members.reduce((sum, member) => sum + namesIn(member), Array.isArray(value) ? 0 : members.length);
}

/** @param {string} line @returns {Entry | null} */
export function parse(line) {
  try {
    const value = JSON.parse(line);
    return Number.isSafeInteger(value?.index) && value.index >= 0 ? value : null;
  } catch {
    return null;
  }
}
