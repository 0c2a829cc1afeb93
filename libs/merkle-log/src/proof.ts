import { emptyRoot, nodeHash } from './tree-hash';
import { planOfRange, type HashPlan } from './tree-node';

const HASH_BYTES = 32;

/** The root of the log when it had this many entries. */
export function planOfRoot(size: bigint): HashPlan {
  if (size < 0n) throw new RangeError('a log size is a whole number from 0');
  return planOfRange(0n, size);
}

/** PATH(index, D[size]) of RFC 6962 section 2.1.1. Throws `RangeError` unless 0 ≤ index < size. */
export function planOfInclusion(index: bigint, size: bigint): HashPlan[] {
  if (index < 0n || index >= size) throw new RangeError('the index is not in the tree');
  const plans: HashPlan[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const split = start + largestPowerBelow(end - start);
    if (index < split) {
      plans.unshift(planOfRange(split, end));
      end = split;
    } else {
      plans.unshift(planOfRange(start, split));
      start = split;
    }
  }
  return plans;
}

/**
 * PROOF(from, D[to]) of RFC 6962 section 2.1.2; empty when `from` is 0, which every tree continues, or `to`. Throws
 * `RangeError` unless 0 ≤ from ≤ to.
 */
export function planOfConsistency(from: bigint, to: bigint): HashPlan[] {
  if (from < 0n || from > to) throw new RangeError('the first tree is not within the second');
  if (from === 0n || from === to) return [];
  const plans: HashPlan[] = [];
  let [start, end] = [0n, to];
  // The verifier knows the hash of the first tree: it is left out when it is a subtree of the second.
  let isKnown = true;
  while (end !== from) {
    const split = start + largestPowerBelow(end - start);
    if (from <= split) {
      plans.unshift(planOfRange(split, end));
      end = split;
    } else {
      plans.unshift(planOfRange(start, split));
      start = split;
      isKnown = false;
    }
  }
  return isKnown ? plans : [planOfRange(start, end), ...plans];
}

/** RFC 9162 section 2.1.3.2. Never throws: what is no proof does not prove. */
export function verifyInclusion(claim: {
  index: bigint;
  size: bigint;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
}): boolean {
  const { index, size, leafHash, proof, root } = claim;
  if (index < 0n || index >= size || ![leafHash, root, ...proof].every(isHash)) return false;
  let [fn, sn] = [index, size - 1n];
  let hash: Buffer = Buffer.from(leafHash);
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

/** RFC 9162 section 2.1.4.2, and the two sizes that need no proof. Never throws. */
export function verifyConsistency(claim: {
  from: bigint;
  to: bigint;
  fromRoot: Uint8Array;
  toRoot: Uint8Array;
  proof: readonly Uint8Array[];
}): boolean {
  const { from, to, fromRoot, toRoot, proof } = claim;
  if (from < 0n || from > to || ![fromRoot, toRoot, ...proof].every(isHash)) return false;
  if (from === to) return proof.length === 0 && Buffer.from(fromRoot).equals(toRoot);
  if (from === 0n) return proof.length === 0 && emptyRoot().equals(fromRoot);
  const path = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof;
  const [first, ...rest] = path;
  if (!first) return false;
  let [fn, sn] = [from - 1n, to - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let before: Buffer = Buffer.from(first);
  let after = before;
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

const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;
const isPowerOfTwo = (n: bigint): boolean => (n & (n - 1n)) === 0n;

/** RFC 6962 section 2.1: the largest power of two smaller than n, for n > 1. */
function largestPowerBelow(n: bigint): bigint {
  return 1n << BigInt((n - 1n).toString(2).length - 1);
}
