// @ts-check
import { Wrong } from './failure.mjs';

/** @typedef {{ size: bigint, root: Buffer, of: string }} Earlier a checkpoint, and whose */

/** Checkpoints that a log must continue: its tree is compared with each when it has its size. */
export class EarlierCheckpoints {
  /** @param {readonly Earlier[]} all */
  constructor(all) {
    /** @type {Map<bigint, Earlier[]>} */
    this.bySize = new Map();
    for (const each of all) this.bySize.set(each.size, [...(this.bySize.get(each.size) ?? []), each]);
    /** @type {Earlier[]} those whose size the tree has jumped over */
    this.unseen = [];
  }

  /** @param {import('./tree.mjs').Tree} tree @throws {Wrong} */
  check(tree) {
    const found = this.bySize.get(tree.size);
    if (!found) return;
    const root = tree.root();
    for (const each of found)
      if (!root.equals(each.root))
        throw new Wrong(
          `index 0 to ${each.size - 1n}: the log forked: its first ${each.size} entries are not those of the checkpoint ${each.of}; or hashes in the folder were changed, which a new folder shows`,
        );
  }

  /** Between these sizes the tree was not seen. @param {bigint} from @param {bigint} to */
  skip(from, to) {
    for (const [size, all] of this.bySize) if (from < size && size < to) this.unseen.push(...all);
  }
}
