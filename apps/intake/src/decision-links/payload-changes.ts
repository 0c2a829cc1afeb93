import { payloadLines, shorten, type Reader } from '@countersign/reader';

export interface PayloadChange {
  path: string;
  /** Null: it was, or is, not there. */
  before: string | null;
  now: string | null;
}

const mostCompared = 5_000;
const mostShown = 50;
const longestShown = 1_000;

/** What is different between two revisions of a payload, line by line as they are shown. */
export const payloadChanges = (before: unknown, now: unknown, reader: Reader): PayloadChange[] => {
  const linesOf = (payload: unknown) =>
    new Map(payloadLines(payload, reader, { most: mostCompared, longest: Infinity }));
  const [old, current] = [linesOf(before), linesOf(now)];
  return [...new Set([...old.keys(), ...current.keys()])]
    .filter((path) => old.get(path) !== current.get(path))
    .slice(0, mostShown)
    .map((path) => ({ path, before: shown(old.get(path)), now: shown(current.get(path)) }));
};

const shown = (value: string | undefined): string | null =>
  value === undefined ? null : shorten(value, longestShown);
