import {
  appendLeaves,
  commitment,
  leafHash,
  rootOf,
  type Frontier,
  type TileHash,
} from '@countersign/merkle-log';
import { continuedType } from '../log/split-entry';
import { leafOf, type OpenEntry, type OpenSealed } from '../log/stored-entries';
import type { BesideEntries } from './beside-entries.rows';
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
  entries: readonly OpenEntry[];
  beside: BesideEntries;
  /** The stored hash of a tile of level 1 or above. */
  storedHash: (hash: TileHash) => Buffer | undefined;
  /** Those whose size is above that of `before` and not above `to`, smallest first. */
  cosigned: readonly CosignedTree[];
}

export interface CheckedStretch {
  findings: Finding[];
  /** By the stored leaf hashes; what is missing has one that fits nothing, so that all behind it is checked as well. */
  leafHashes: Buffer[];
  /** The tree after the last entry. */
  after: Frontier;
}

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

/** The hash of what is not there. */
export const noHash = Buffer.alloc(32);

/** Checks each entry by itself and with what stands beside it, and the leaf hashes against the tree. */
export const checkStretch = (stretch: Stretch): CheckedStretch => {
  const { before, to, entries, beside, storedHash, cosigned } = stretch;
  const findings = entries.flatMap((entry) => checkEntry(entry, beside));
  const leafHashes: Buffer[] = Array.from({ length: Number(to - before.size) }, () => noHash);
  // What has no 32 bytes is found to be wrong by itself.
  for (const { index, leafHash: hash } of entries)
    if (hash.length === noHash.length) leafHashes[Number(index - before.size)] = hash;
  findings.push(...gapsOf(before.size, to, entries));
  const compare = compareWith(storedHash, findings);
  let after = before;
  for (const { size, root } of [...cosigned, { size: to, root: null }]) {
    const [from, end] = [after.size, size].map((at) => Number(at - before.size));
    after = appendLeaves(after, leafHashes.slice(from, end), compare);
    if (root && !rootOf(after).equals(root))
      findings.push({
        kind: 'cosigned',
        index: size,
        detail: `The tree of ${size} entries has the root ${base64(rootOf(after))}, not ${base64(root)}, which witnesses have signed.`,
      });
  }
  return { findings, leafHashes, after };
};

/** What finds that the hashes of tiles are not those that the levels below give. */
export const compareWith =
  (storedHash: Stretch['storedHash'], findings: Finding[]) =>
  (hash: TileHash): void => {
    const stored = storedHash(hash);
    if (stored?.equals(hash.hash)) return;
    const width = 256n ** BigInt(hash.level);
    const [from, end] = [hash.index * width, (hash.index + 1n) * width];
    findings.push({
      kind: 'subtree',
      index: from,
      detail: `Entries ${from} to ${end - 1n} give the hash ${base64(hash.hash)}; stored at level ${hash.level} is ${stored ? base64(stored) : 'none'}.`,
    });
  };

const checkEntry = (entry: OpenEntry, beside: BesideEntries): Finding[] => {
  const { index } = entry;
  const findings: Finding[] = [];
  const find = (kind: Finding['kind'], detail: string) => void findings.push({ kind, index, detail });
  const hash = hashOf(entry);
  if (!hash) find('entry', `Entry ${index} says what no leaf can say.`);
  else if (!hash.equals(entry.leafHash))
    find(
      'entry',
      `What entry ${index} says gives the leaf hash ${base64(hash)}, not ${base64(entry.leafHash)}.`,
    );
  if (!entry.isOurs)
    find(
      'entry',
      `The content of entry ${index} is not written as we do: a reader may see something else in it.`,
    );
  for (const [name, is, says] of columnsOf(entry, beside))
    if (is !== says)
      find('columns', `Entry ${index} is found by ${name} ${shown(is)}, but says ${shown(says)}.`);
  for (const sealed of entry.sealed) {
    const fault = faultOf(sealed, beside.unexplained.has(`${index}/${sealed.position}`));
    if (fault) find('sealed', `What is sealed with entry ${index} (number ${sealed.position}) ${fault}.`);
  }
  if (beside.otherPayloads.has(index))
    find('payload', `The payload that entry ${index} brought is not kept as it was.`);
  return findings;
};

/** Of every salt that we make. */
const saltBytes = 32;

const shown = (value: string | null): string => value ?? 'nothing';

/** Null when the row holds what no leaf can say. */
const hashOf = (entry: OpenEntry): Buffer | null => {
  try {
    return leafHash(leafOf(entry));
  } catch {
    return null;
  }
};

/** Of what was erased salt and data are both gone. Null when nothing is wrong. */
const faultOf = ({ salt, data, commitment: given }: OpenSealed, isUnexplained: boolean): string | null => {
  if (salt === null && data === null) return isUnexplained ? 'is gone, and no erasure covers it' : null;
  if (salt === null || data === null) return `has ${salt === null ? 'no salt' : 'no data'}`;
  if (!data.isOurs) return 'is not written as we do: a reader may see something else in it';
  const bytes = Buffer.from(salt, 'base64');
  // What is hashed has no mark where the salt ends: the first digits of a number could be moved into it.
  if (bytes.length !== saltBytes) return `has a salt of ${bytes.length} bytes`;
  try {
    const gives = commitment(bytes, data.value);
    return gives === given ? null : `gives the commitment ${gives}, not ${given}`;
  } catch {
    return 'cannot have a commitment';
  }
};

/**
 * The columns of an entry that its leaf tells of, each with what it is and what it must be. That of a request whose creation is gone tells
 * nothing of its workflow.
 */
const columnsOf = (
  entry: OpenEntry,
  { workflows, continued }: BesideEntries,
): (readonly [name: string, is: string | null, says: string | null])[] => {
  const { type, requestId, requestVersion, actorId, taskId, workflowKey } = entry;
  const content = membersOf(entry.content);
  const isPart = type === continuedType;
  const whole = isPart ? continued.get(String(content.continues)) : null;
  const columns: (readonly [string, string | null, string | null])[] = [
    ['the task', taskId, isPart || requestVersion === null ? null : textOf(content.taskId)],
  ];
  if (whole !== undefined)
    columns.push(['the actor', actorId, whole ? whole.actorId : textOf(membersOf(content.actor).id)]);
  if (requestId === null) {
    if (whole !== undefined)
      columns.push(['the workflow', workflowKey, whole ? whole.workflowKey : textOf(content.workflow)]);
  } else {
    const ofRequest = workflows.get(requestId);
    // What others tell of a request may come before the request.
    if (ofRequest !== undefined && (requestVersion !== null || workflowKey !== null))
      columns.push(['the workflow', workflowKey, ofRequest]);
  }
  return columns;
};

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Entries that are not there, each run of neighbours once. */
const gapsOf = (from: bigint, to: bigint, entries: readonly OpenEntry[]): Finding[] => {
  const findings: Finding[] = [];
  let expected = from;
  for (const index of [...entries.map((entry) => entry.index), to]) {
    if (index > expected)
      findings.push({
        kind: 'missing',
        index: expected,
        detail:
          index === expected + 1n
            ? `Entry ${expected} is not there.`
            : `Entries ${expected} to ${index - 1n} are not there.`,
      });
    expected = index + 1n;
  }
  return findings;
};
