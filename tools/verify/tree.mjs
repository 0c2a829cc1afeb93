// @ts-check
import { createHash } from 'node:crypto';

/** @param {...(Buffer | string)} parts */
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** RFC 6962 section 2.1. @param {Buffer | string} leaf */
export const leafHash = (leaf) => sha256(LEAF, leaf);
/** @param {Buffer} left @param {Buffer} right */
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** A tree that grows leaf by leaf and remembers one hash for each bit set in its size. */
export class Tree {
  size = 0n;
  /** @type {Buffer[]} roots of the perfect subtrees, largest first */
  hashes = [];

  /** @param {Buffer} hash of a leaf */
  append(hash) {
    this.appendPerfect(hash, 0);
  }

  /**
   * @param {Buffer} hash root of a perfect subtree of 2^height leaves
   * @param {number} height the size must be a multiple of 2^height
   */
  appendPerfect(hash, height) {
    let node = hash;
    for (let rest = this.size >> BigInt(height); rest & 1n; rest >>= 1n)
      node = nodeHash(/** @type {Buffer} */ (this.hashes.pop()), node);
    this.hashes.push(node);
    this.size += 1n << BigInt(height);
  }

  root() {
    return this.hashes.length === 0
      ? sha256()
      : this.hashes.reduceRight((right, left) => nodeHash(left, right));
  }
}

/**
 * RFC 9162 section 2.1.3.2.
 *
 * @param {{ index: bigint, size: bigint, leaf: Buffer, proof: Buffer[], root: Buffer }} claim
 */
export function provesInclusion({ index, size, leaf, proof, root }) {
  if (index < 0n || index >= size) return false;
  let [fn, sn] = [index, size - 1n];
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else hash = nodeHash(hash, sibling);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && hash.equals(root);
}

/**
 * RFC 9162 section 2.1.4.2, and the sizes that need no proof.
 *
 * @param {{ from: bigint, to: bigint, fromRoot: Buffer, toRoot: Buffer, proof: Buffer[] }} claim
 */
export function provesConsistency({ from, to, fromRoot, toRoot, proof }) {
  if (from > to) return false;
  if (from === to) return proof.length === 0 && fromRoot.equals(toRoot);
  if (from === 0n) return proof.length === 0 && new Tree().root().equals(fromRoot);
  const path = (from & (from - 1n)) === 0n ? [fromRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (!first) return false;
  let [fn, sn] = [from - 1n, to - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [before, after] = [first, first];
  for (const hash of rest) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      before = nodeHash(hash, before);
      after = nodeHash(hash, after);
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else after = nodeHash(after, hash);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && before.equals(fromRoot) && after.equals(toRoot);
}
