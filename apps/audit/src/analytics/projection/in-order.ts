import type { TrailEntry } from '../runs/trail-entry';

/**
 * The entries of one request whose turn it is, and those that wait. Packs of messages may overtake each other, so a later transition may stand in
 * the log before an earlier one; each transition is one `requestVersion`, and they count up by one from the one that creates the
 * request (1 for a draft, else 2). All entries of a transition are handed in together. `version` is the last one taken, 0 for none.
 */
export const inOrder = (
  version: number,
  entries: readonly TrailEntry[],
): { version: number; due: TrailEntry[]; waiting: TrailEntry[] } => {
  const sorted = [...entries].sort((a, b) => a.requestVersion - b.requestVersion || a.index - b.index);
  const created = sorted.find(({ type }) => type === 'request.created');
  let last = version === 0 && created ? created.requestVersion - 1 : version;
  const due: TrailEntry[] = [];
  const waiting: TrailEntry[] = [];
  for (const entry of sorted) {
    const isNext = entry.requestVersion === last + 1 || (due.length > 0 && entry.requestVersion === last);
    if ((version === 0 && !created) || !isNext) {
      waiting.push(entry);
      continue;
    }
    due.push(entry);
    last = entry.requestVersion;
  }
  return { version: due.length > 0 ? last : version, due, waiting };
};
