import {
  emptyFrontier,
  openNote,
  parseCheckpoint,
  planOfRoot,
  rootOf,
  TILE_WIDTH,
  type Checkpoint,
  type Frontier,
} from '@countersign/merkle-log';
import { hashOf, rangesOf } from '@countersign/merkle-log';
import type { Sql } from '@countersign/persistence';
import { readOpenEntries } from '../log/stored-entries';
import type { StoredHead } from '../log/stored-head';
import { readHashes } from '../tiles/tree-hashes';
import { checkStretch, type CosignedTree } from './check-entries';
import type { Finding } from './finding';

/** Entries of one statement: their payloads may have 256 KiB each. */
const packSize = 100n;

export interface Budget {
  /** Entries to be looked at, of the new ones and of the pass each. */
  entries: number;
  /** Milliseconds after which no more are begun. */
  ms: number;
}

/** How far a log has been checked. */
export interface Progress {
  /** The tree that was right the last time; null before the first look. */
  tail: Frontier | null;
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

/** What the head says, and whether anything is behind it: of one moment. */
export interface HeadAtOnce extends StoredHead {
  lastIndex: bigint | null;
}

/** Checks what is new, and a further piece of everything, if a pass is under way. */
export const checkLog = async (
  sql: Sql,
  { workspaceId, logKey, head }: { workspaceId: string; logKey: string; head: HeadAtOnce },
  progress: Progress,
  budget: Budget,
): Promise<Look> => {
  const reader = new LogReader(sql, workspaceId, budget);
  const findings: Finding[] = [];
  const signed = checkHead(head, logKey, findings);
  if (head.lastIndex !== null && head.lastIndex >= signed.size)
    findings.push({
      kind: 'surplus',
      index: signed.size,
      detail: `There are entries up to ${head.lastIndex}, but the checkpoint covers ${signed.size}.`,
    });
  const tail = await reader.follow(
    await reader.startOf(progress.tail, head),
    signed,
    head.frontier,
    findings,
  );
  let pass = progress.pass;
  let hasPassed = false;
  if (pass && tail.size === signed.size) {
    pass = await reader.goOn(await reader.startOf(pass, head), tail, findings);
    hasPassed = pass === null;
  }
  return {
    tail,
    pass,
    findings,
    examined: reader.examined,
    isUpToDate: tail.size === signed.size,
    hasPassed,
  };
};

/** What is signed counts; where nothing is, the tree beside it. */
const checkHead = (
  { frontier, checkpoint }: StoredHead,
  logKey: string,
  findings: Finding[],
): Pick<Checkpoint, 'size' | 'root'> => {
  const tree = { size: frontier.size, root: rootOf(frontier) };
  try {
    const signed = parseCheckpoint(openNote(checkpoint, logKey).body);
    if (signed.size === tree.size && signed.root.equals(tree.root) && logKey.startsWith(`${signed.origin}+`))
      return signed;
    findings.push({
      kind: 'head',
      index: signed.size,
      detail: `The checkpoint of ${signed.size} entries is not that of the tree beside it, of ${tree.size}.`,
    });
    return signed;
  } catch {
    findings.push({
      kind: 'head',
      index: tree.size,
      detail: 'The newest checkpoint is not signed by the key of the log.',
    });
    return tree;
  }
};

/** Reads a log in packs, within its budget. */
class LogReader {
  examined = 0;
  private readonly until: number;

  constructor(
    private readonly sql: Sql,
    private readonly workspaceId: string,
    private readonly budget: Budget,
  ) {
    this.until = Date.now() + budget.ms;
  }

  /** Where a check goes on: not before what was pruned. */
  async startOf(frontier: Frontier | null, { firstIndex }: StoredHead): Promise<Frontier> {
    const known = frontier ?? emptyFrontier();
    return known.size < firstIndex ? ((await this.frontierAt(firstIndex)) ?? known) : known;
  }

  /** Checks what is new since the tree that was right the last time, and answers up to where it is right now. */
  async follow(
    tail: Frontier,
    signed: Pick<Checkpoint, 'size' | 'root'>,
    stored: Frontier,
    findings: Finding[],
  ): Promise<Frontier> {
    // Said once: from here on what comes must continue the log as it now is.
    const asItIs = stored.size === signed.size ? stored : ((await this.frontierAt(signed.size)) ?? stored);
    if (signed.size < tail.size) {
      findings.push({
        kind: 'truncated',
        index: signed.size,
        detail: `The log has ${signed.size} entries, but ${tail.size} were checked before.`,
      });
      return asItIs;
    }
    const from = tail.size;
    const after = await this.stretch(tail, signed.size, findings);
    if (after === null) return asItIs;
    if (after.size < signed.size || rootOf(after).equals(signed.root)) return after;
    findings.push({
      kind: 'root',
      index: from,
      detail: `Entries from ${from} on do not give the root that is signed for ${signed.size} entries.`,
    });
    return asItIs;
  }

  /** Carries a pass on; null when it has come to the end, where it must meet the tree that was checked as it grew. */
  async goOn(pass: Frontier, tail: Frontier, findings: Finding[]): Promise<Frontier | null> {
    const after = await this.stretch(pass, tail.size, findings);
    if (after === null) {
      // What is missing is told; behind it there is more to be checked.
      const next = (BigInt(this.reached) / BigInt(TILE_WIDTH) + 1n) * BigInt(TILE_WIDTH);
      return next < tail.size ? await this.frontierAt(next) : null;
    }
    if (after.size < tail.size) return after;
    if (!rootOf(after).equals(rootOf(tail)))
      findings.push({
        kind: 'root',
        index: 0n,
        detail: `The first ${tail.size} entries no longer give the root that they had when they were first checked.`,
      });
    return null;
  }

  /** Up to where the last stretch was read. */
  private reached = 0n;

  private async stretch(from: Frontier, to: bigint, findings: Finding[]): Promise<Frontier | null> {
    let before = from;
    const most = from.size + BigInt(this.budget.entries);
    while (before.size < to && before.size < most && Date.now() < this.until) {
      const end = [before.size + packSize, to, most].reduce((a, b) => (b < a ? b : a));
      this.reached = end;
      const entries = await readOpenEntries(this.sql, this.workspaceId, before.size, end);
      const [storedHashes, cosigned] = [
        await this.storedHashes(before.size, end),
        await this.cosigned(before.size, end),
      ];
      this.examined += entries.length;
      const checked = checkStretch({
        before,
        to: end,
        entries,
        storedHash: ({ level, index }) => storedHashes.get(`${level}/${index}`),
        cosigned,
      });
      findings.push(...checked.findings);
      if (!checked.after) return null;
      before = checked.after;
    }
    return before;
  }

  /** Those that are completed by entries of this range. */
  private async storedHashes(from: bigint, to: bigint): Promise<Map<string, Buffer>> {
    if (from >> 8n === to >> 8n) return new Map();
    const levels = [1, 2, 3, 4, 5, 6, 7];
    const rows = await this.sql.query<{ level: number; index: string; hash: Buffer }>(
      `SELECT s.level, s.index, s.hash FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS r (level, first, last)
         JOIN subtree s ON s.workspace_id = $1 AND s.level = r.level AND s.index BETWEEN r.first AND r.last`,
      [
        this.workspaceId,
        levels,
        levels.map((level) => String(from >> BigInt(8 * level))),
        levels.map((level) => String(to >> BigInt(8 * level))),
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
      return { size, hashes: plan.map((node) => hashOf([node], lookup)) };
    } catch {
      return null;
    }
  }
}
