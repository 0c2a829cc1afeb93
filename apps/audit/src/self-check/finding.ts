/**
 * What may be wrong with a log:
 * - `head`: the newest checkpoint is not signed by the log's key, or is not that of the tree beside it
 * - `head_missing`: a log that was there has no head any more
 * - `truncated`: the log is shorter than it was
 * - `surplus`: there are entries that no checkpoint covers
 * - `missing`: an entry is not there
 * - `entry`: what an entry says does not give its leaf hash
 * - `sealed`: sealed data do not fit their commitment
 * - `subtree`: a stored hash of a tile is not the one that the entries give
 * - `root`: the leaf hashes do not give the tree that was signed, or verified before: they were changed or exchanged, or the log forked
 * - `cosigned`: the tree is not the one that witnesses have signed
 */
export const findingKinds = [
  'head',
  'head_missing',
  'truncated',
  'surplus',
  'missing',
  'entry',
  'sealed',
  'subtree',
  'root',
  'cosigned',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  kind: FindingKind;
  /** The first entry that it is about. */
  index: bigint;
  /** A sentence for people; no personal data. */
  detail: string;
}
