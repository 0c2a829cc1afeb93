import {
  appendLeaves,
  commitment,
  leafHash,
  rootOf,
  type Frontier,
  type TileHash,
} from '@countersign/merkle-log';
import { leafOf, type OpenSealed, type StoredEntry } from '../log/stored-entries';
import type { Finding } from './finding';

/** A tree that witnesses have signed. */
export interface CosignedTree {
  size: bigint;
  root: Buffer;
}

/** Some entries in a row and what else the log says about them. */
export interface Stretch {
  /** The tree before the first of them. */
  before: Frontier;
  /** The size of the tree after the last one. */
  to: bigint;
  entries: readonly StoredEntry<OpenSealed>[];
  /** The stored hash of a tile of level 1 or above. */
  storedHash: (hash: TileHash) => Buffer | undefined;
  /** Those whose size is above that of `before` and not above `to`, smallest first. */
  cosigned: readonly CosignedTree[];
}

export interface CheckedStretch {
  findings: Finding[];
  /** The tree after the last entry, by the stored leaf hashes; null when entries are missing. */
  after: Frontier | null;
}

/** Checks each entry against its leaf hash and what it seals, and the leaf hashes against the tree. */
export const checkStretch = ({ before, to, entries, storedHash, cosigned }: Stretch): CheckedStretch => {
  const findings = entries.flatMap(checkEntry);
  const gap = firstGap(before.size, to, entries);
  if (gap !== null) {
    findings.push({ kind: 'missing', index: gap, detail: `Entry ${gap} is not there.` });
    return { findings, after: null };
  }
  const compare = (hash: TileHash) => {
    if (storedHash(hash)?.equals(hash.hash)) return;
    const width = 256n ** BigInt(hash.level);
    const [from, end] = [hash.index * width, (hash.index + 1n) * width];
    findings.push({
      kind: 'subtree',
      index: from,
      detail: `The stored hash of entries ${from} to ${end - 1n} (level ${hash.level}) is not the one that they give.`,
    });
  };
  let after = before;
  for (const { size, root } of [...cosigned, { size: to, root: null }]) {
    const [from, end] = [after.size, size].map((at) => Number(at - before.size));
    after = appendLeaves(after, entries.slice(from, end).map(hashOfLeaf), compare);
    if (root && !rootOf(after).equals(root))
      findings.push({
        kind: 'cosigned',
        index: size,
        detail: `The tree of ${size} entries is not the one that witnesses have signed.`,
      });
  }
  return { findings, after };
};

/** What has no 32 bytes is found to be wrong by itself; the tree goes on with a hash that fits nothing. */
const hashOfLeaf = ({ leafHash: hash }: StoredEntry): Buffer =>
  hash.length === 32 ? hash : Buffer.alloc(32);

const checkEntry = (entry: StoredEntry<OpenSealed>): Finding[] => {
  const { index } = entry;
  const findings: Finding[] = [];
  if (!givesItsHash(entry))
    findings.push({ kind: 'entry', index, detail: `What entry ${index} says does not give its leaf hash.` });
  if (!entry.sealed.every(fitsItsCommitment))
    findings.push({
      kind: 'sealed',
      index,
      detail: `What is sealed with entry ${index} does not fit its commitment.`,
    });
  return findings;
};

const givesItsHash = (entry: StoredEntry): boolean => {
  try {
    return entry.leafHash.length === 32 && leafHash(leafOf(entry)).equals(entry.leafHash);
  } catch {
    // The row holds what no leaf can say.
    return false;
  }
};

/** Of what was erased salt and data are both gone. */
const fitsItsCommitment = ({ salt, data, hasData, commitment: given }: OpenSealed): boolean => {
  if (salt === null || !hasData) return salt === null && !hasData;
  try {
    return commitment(Buffer.from(salt, 'base64'), data) === given;
  } catch {
    return false;
  }
};

const firstGap = (from: bigint, to: bigint, entries: readonly StoredEntry[]): bigint | null => {
  let expected = from;
  for (const { index } of entries) {
    if (index !== expected) return expected;
    expected += 1n;
  }
  return expected === to ? null : expected;
};
