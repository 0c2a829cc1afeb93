/**
 * What may be wrong with a log:
 * - `head`: the newest checkpoint cannot be read, is not signed by the log's key, or is not that of the tree beside it
 * - `head_missing`: a log that was there has no head any more
 * - `truncated`: the log is shorter than it was
 * - `surplus`: there are entries that no checkpoint covers
 * - `missing`: an entry is not there
 * - `entry`: what an entry says does not give its leaf hash, or can be read in two ways
 * - `columns`: what an entry is found by is not what it says
 * - `sealed`: sealed data do not fit their commitment, can be read in two ways, or are gone without an erasure
 * - `payload`: a payload that the event feed shows is not the one of the entry that brought it
 * - `subtree`: a stored hash of a tile is not the one that the entries give
 * - `pruned`: what the log says to be pruned is not what its entries say was pruned
 * - `root`: the leaf hashes do not give the tree that was signed, or verified before: they were changed or exchanged, or the log forked
 * - `cosigned`: the tree is not the one that witnesses have signed
 * - `progress`: what the self-check remembers of the log cannot be read
 */
export const findingKinds = [
  'head',
  'head_missing',
  'truncated',
  'surplus',
  'missing',
  'entry',
  'columns',
  'sealed',
  'payload',
  'subtree',
  'pruned',
  'root',
  'cosigned',
  'progress',
] as const;
export type FindingKind = (typeof findingKinds)[number];

export interface Finding {
  kind: FindingKind;
  /** The first entry that it is about. */
  index: bigint;
  /**
   * A sentence for people; no personal data. It says all that makes this finding another one: the same in the same place is
   * told once.
   */
  detail: string;
}
