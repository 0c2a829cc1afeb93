import {
  appendLeaves,
  appendSubtrees,
  emptyFrontier,
  hashesAt,
  hashOf,
  openNote,
  parseCheckpoint,
  parseFrontier,
  planOfRoot,
  rangesOf,
  rootOf,
  serializeFrontier,
  TILE_HEIGHT,
  type Checkpoint,
  type Frontier,
} from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { readOpenEntries } from '../log/stored-entries';
import { readHashes } from '../tiles/tree-hashes';
import { readBeside } from './beside-entries.rows';
import { checkStretch, compareWith, noHash, type CosignedTree } from './check-entries';
import type { Finding } from './finding';
import { readNewestPruned, type HeadAtOnce, type PrunedEntry } from './head.rows';

/** Entries of one statement: their payloads may have 256 KiB each. It begins and ends at multiples, so that gaps are told alike. */
const packSize = 128n;
/** Hashes of tiles of one statement. */
const hashPack = 1_024n;

export interface Budget {
  /** Entries to be looked at, of the new ones and of the pass each; of what was pruned, hashes of tiles. */
  entries: number;
  /** Milliseconds after which no more are begun. */
  ms: number;
}

/** How far a log has been checked. */
export interface Progress {
  /** The tree that was right the last time; null before the first look. */
  tail: Frontier | null;
  /** What a pass came to that did not meet the tail, as it would be by now: told, and not to be told again. Null where it did. */
  known: Frontier | null;
  /** The pass over all entries that is under way. */
  pass: Frontier | null;
}

export interface Look extends Progress {
  findings: Finding[];
  /** Entries that were looked at. */
  examined: number;
  /** Everything up to the newest entry has been looked at. */
  isUpToDate: boolean;
  /** The pass has come to its end. */
  hasPassed: boolean;
}

type Tree = Pick<Checkpoint, 'size' | 'root'>;

/** What is signed, and the frontier that has this root, if it is there. */
interface Signed extends Tree {
  frontier: Frontier | null;
}

/** Where the entries begin, by what they say themselves, and what is known of those before. */
interface Beginning extends Tree {
  /** When the log was last pruned; null: never. */
  prunedAt: Date | null;
}

/** Checks what is new, and a further piece of everything, if a pass is under way. Without a head there is nothing new. */
export const checkLog = async (
  sql: Sql,
  {
    workspaceId,
    head,
    logKey,
  }: { workspaceId: string; head: HeadAtOnce | null; logKey: (head: HeadAtOnce) => string },
  progress: Progress,
  budget: Budget,
): Promise<Look> => {
  const findings: Finding[] = [];
  const signed = checkHead(head, logKey, progress.tail, findings);
  if (signed && head?.lastIndex != null && head.lastIndex >= signed.size)
    findings.push({
      kind: 'surplus',
      index: signed.size,
      detail: `There are entries up to ${head.lastIndex}, but the checkpoint covers ${signed.size}.`,
    });
  const beginning = beginningOf(await readNewestPruned(sql, workspaceId, signed?.size ?? null));
  if (head && head.firstIndex !== beginning.size)
    findings.push({
      kind: 'pruned',
      index: beginning.size,
      detail: `The log says that its entries begin with ${head.firstIndex}, but what they say of pruning ends at ${beginning.size}.`,
    });
  const reader = new LogReader(sql, workspaceId, beginning, budget, findings);
  const grown = signed ? await reader.follow(progress, signed) : progress;
  const isUpToDate = !signed || grown.tail?.size === signed.size;
  const passed =
    progress.pass && grown.tail && isUpToDate && beginning.size <= grown.tail.size
      ? await reader.goOn(progress.pass, grown.tail, grown.known)
      : { pass: progress.pass, known: grown.known };
  return {
    tail: grown.tail,
    ...passed,
    findings,
    examined: reader.examined,
    isUpToDate,
    hasPassed: progress.pass !== null && passed.pass === null,
  };
};

/** What is signed counts; where that cannot be read, the tree beside it. Null when there is neither. */
const checkHead = (
  head: HeadAtOnce | null,
  logKey: (head: HeadAtOnce) => string,
  tail: Frontier | null,
  findings: Finding[],
): Signed | null => {
  const find = (kind: 'head' | 'head_missing', index: bigint, detail: string) =>
    void findings.push({ kind, index, detail });
  if (!head) {
    find('head_missing', tail?.size ?? 0n, 'The log has no head: nothing says how long it is.');
    return null;
  }
  const frontier = orNull(() => parseFrontier(head.frontier));
  const key = orNull(() => logKey(head));
  const checkpoint = key === null ? null : orNull(() => parseCheckpoint(openNote(head.checkpoint, key).body));
  const place = checkpoint?.size ?? frontier?.size ?? tail?.size ?? 0n;
  if (!frontier) find('head', place, 'The tree beside the checkpoint cannot be read.');
  if (!key) find('head', place, 'The key of the log cannot be read.');
  else if (!checkpoint) find('head', place, 'The newest checkpoint is not signed by the key of the log.');
  if (!checkpoint) {
    // Nobody has signed it: it may say anything, and there is nothing to be looked for behind the last entry.
    const isCovered = frontier !== null && frontier.size <= (head.lastIndex ?? -1n) + 1n;
    return isCovered ? { size: frontier.size, root: rootOf(frontier), frontier } : null;
  }
  const isItsTree = frontier?.size === checkpoint.size && rootOf(frontier).equals(checkpoint.root);
  if ((frontier && !isItsTree) || !key?.startsWith(`${checkpoint.origin}+`))
    find(
      'head',
      place,
      `The checkpoint of ${checkpoint.size} entries is not that of the tree beside it, of ${frontier?.size ?? 'none'}.`,
    );
  return { ...checkpoint, frontier: isItsTree ? frontier : null };
};

const orNull = <T>(read: () => T): T | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

/** What the entry says is checked like every other's, by the pass; one that says nothing of the kind prunes nothing. */
const beginningOf = (pruned: PrunedEntry | null): Beginning => {
  const { size, root } = (pruned?.content ?? {}) as Record<string, unknown>;
  const bytes = Buffer.from(typeof root === 'string' ? root : '', 'base64');
  return pruned && typeof size === 'number' && Number.isSafeInteger(size) && size > 0 && bytes.length === 32
    ? { size: BigInt(size), root: bytes, prunedAt: pruned.at }
    : { size: 0n, root: rootOf(emptyFrontier()), prunedAt: null };
};

/** Reads a log in packs, within its budget. */
class LogReader {
  examined = 0;
  private readonly until: number;

  constructor(
    private readonly sql: Sql,
    private readonly workspaceId: string,
    private readonly beginning: Beginning,
    private readonly budget: Budget,
    private readonly findings: Finding[],
  ) {
    this.until = Date.now() + budget.ms;
  }

  /** Checks what is new since the tree that was right the last time, and answers up to where it is right now. */
  async follow(
    { tail, known }: Progress,
    signed: Signed,
  ): Promise<{ tail: Frontier; known: Frontier | null }> {
    const start = await this.startOf(tail ?? emptyFrontier());
    // Said once: from here on what comes must continue the log as it now is.
    const asItIs = async () => ({
      tail: signed.frontier ?? (await this.frontierAt(signed.size)) ?? start,
      known: null,
    });
    if (signed.size < start.size) {
      this.findings.push({
        kind: 'truncated',
        index: signed.size,
        detail: `The log has ${signed.size} entries, but ${start.size} were checked before.`,
      });
      return asItIs();
    }
    const beside = known?.size === start.size ? known : null;
    const after = await this.stretch(start, beside, signed.size);
    const root = rootOf(after.tree);
    if (after.tree.size < signed.size || root.equals(signed.root))
      return { tail: after.tree, known: after.beside };
    this.findings.push({
      kind: 'root',
      index: start.size,
      detail: `With entries from ${start.size} on the root is ${root.toString('base64')}, not ${signed.root.toString('base64')}, which is signed for ${signed.size} entries.`,
    });
    return asItIs();
  }

  /** Carries a pass on; null when it has come to the end, where it must meet the tree that was checked as it grew. */
  async goOn(
    pass: Frontier,
    tail: Frontier,
    known: Frontier | null,
  ): Promise<{ pass: Frontier | null; known: Frontier | null }> {
    let at = pass;
    if (at.size < this.beginning.size) {
      at = await this.pruned(at);
      if (at.size < this.beginning.size) return { pass: at, known };
    }
    at = (await this.stretch(at, null, tail.size)).tree;
    if (at.size < tail.size) return { pass: at, known };
    const root = rootOf(at);
    const isMet = root.equals(rootOf(tail));
    if (!isMet && !root.equals(rootOf(known ?? tail)))
      this.findings.push({
        kind: 'root',
        index: 0n,
        detail: `The first ${tail.size} entries have the root ${root.toString('base64')}, not ${rootOf(tail).toString('base64')} as when they were first checked.`,
      });
    return { pass: null, known: isMet ? null : at };
  }

  /** Where what is new goes on: not before what was pruned. */
  private async startOf(tail: Frontier): Promise<Frontier> {
    const { size, root } = this.beginning;
    if (tail.size >= size) return tail;
    const anchored = await this.frontierAt(size);
    if (anchored && rootOf(anchored).equals(root)) return anchored;
    this.findings.push(notAnchored(size, root, anchored && rootOf(anchored)));
    return anchored ?? tail;
  }

  /** What was pruned, by the hashes of its tiles: together they give the root that the log says. */
  private async pruned(pass: Frontier): Promise<Frontier> {
    const { size, root } = this.beginning;
    // Pruned since the pass has come into the midst of a tile: what is gone is looked at from its beginning.
    let before = pass.size % (1n << BigInt(TILE_HEIGHT)) === 0n ? pass : emptyFrontier();
    const last = hashesAt(1, size);
    let left = this.budget.entries;
    while (before.size < size && left > 0 && Date.now() < this.until) {
      const from = hashesAt(1, before.size);
      const to = [from + hashPack, last].reduce((a, b) => (b < a ? b : a));
      left -= Number(to - from);
      const stored = await this.storedHashes(before.size, to << BigInt(TILE_HEIGHT));
      const hashes = Array.from({ length: Number(to - from) }, (_, n) => {
        const hash = stored.get(`1/${from + BigInt(n)}`);
        return hash?.length === noHash.length ? hash : noHash;
      });
      before = appendSubtrees(
        before,
        TILE_HEIGHT,
        hashes,
        compareWith(({ level, index }) => stored.get(`${level}/${index}`), this.findings),
      );
    }
    if (before.size === size && !rootOf(before).equals(root))
      this.findings.push(notAnchored(size, root, rootOf(before)));
    return before;
  }

  /** Checks the next entries, by which the tree grows, and another one of the same size beside it. */
  private async stretch(
    from: Frontier,
    beside: Frontier | null,
    to: bigint,
  ): Promise<{ tree: Frontier; beside: Frontier | null }> {
    let grown = { tree: from, beside };
    const most = from.size + BigInt(this.budget.entries);
    while (grown.tree.size < to && grown.tree.size < most && Date.now() < this.until) {
      const { size } = grown.tree;
      const nextPack = (size / packSize + 1n) * packSize;
      const end = nextPack < to ? nextPack : to;
      const entries = await readOpenEntries(this.sql, this.workspaceId, size, end);
      const storedHashes = await this.storedHashes(size, end);
      this.examined += entries.length;
      const checked = checkStretch({
        before: grown.tree,
        to: end,
        entries,
        beside: await readBeside(this.sql, this.workspaceId, entries, this.beginning.prunedAt),
        storedHash: ({ level, index }) => storedHashes.get(`${level}/${index}`),
        cosigned: await this.cosigned(size, end),
      });
      this.findings.push(...checked.findings);
      grown = {
        tree: checked.after,
        beside: grown.beside && appendLeaves(grown.beside, checked.leafHashes),
      };
    }
    return grown;
  }

  /** Those of tiles that are completed by entries of this range. */
  private async storedHashes(from: bigint, to: bigint): Promise<Map<string, Buffer>> {
    if (hashesAt(1, from) === hashesAt(1, to)) return new Map();
    const levels = [1, 2, 3, 4, 5, 6, 7];
    const rows = await this.sql.query<{ level: number; index: string; hash: Buffer }>(
      `SELECT s.level, s.index, s.hash FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS r (level, first, last)
         JOIN subtree s ON s.workspace_id = $1 AND s.level = r.level AND s.index BETWEEN r.first AND r.last`,
      [
        this.workspaceId,
        levels,
        levels.map((level) => String(hashesAt(level, from))),
        levels.map((level) => String(hashesAt(level, to))),
      ],
    );
    return new Map(rows.map(({ level, index, hash }) => [`${level}/${index}`, hash]));
  }

  private async cosigned(from: bigint, to: bigint): Promise<CosignedTree[]> {
    const rows = await this.sql.query<{ size: string; root: Buffer }>(
      'SELECT size, root FROM cosigned_checkpoint WHERE workspace_id = $1 AND size > $2 AND size <= $3 ORDER BY size',
      [this.workspaceId, String(from), String(to)],
    );
    return rows.map(({ size, root }) => ({ size: BigInt(size), root }));
  }

  /** The tree of a size by the stored hashes; null when they are not all there. */
  private async frontierAt(size: bigint): Promise<Frontier | null> {
    const plan = planOfRoot(size);
    try {
      const lookup = await readHashes(this.sql, this.workspaceId, rangesOf([plan]));
      return parseFrontier(serializeFrontier({ size, hashes: plan.map((node) => hashOf([node], lookup)) }));
    } catch {
      return null;
    }
  }
}

const notAnchored = (size: bigint, root: Buffer, found: Buffer | null): Finding => ({
  kind: 'pruned',
  index: 0n,
  detail: `The stored hashes of what was pruned give the root ${found?.toString('base64') ?? 'of nothing'}, not ${root.toString('base64')} as the log says for ${size} entries.`,
});
