import { formatValue } from './format';
import type { Reader } from './reader';

export type PayloadLine = [path: string, value: string];

const longestPath = 200;
const deepest = 4;

export interface PayloadLimits {
  /** Lines; the others are counted in one more. Default 25. */
  most?: number;
  /** Characters of a value. Default 200. */
  longest?: number;
}

const leftOutOf: Readonly<Record<Reader['language'], (count: number) => string>> = {
  en: (count) => `${count} more`,
  de: (count) => `${count} weitere`,
};

/** A payload in a few lines, path and value in its own order; nothing is left out without a sign of it. */
export const payloadLines = (
  payload: unknown,
  reader: Reader,
  { most = 25, longest = 200 }: PayloadLimits = {},
): PayloadLine[] => {
  const lines: PayloadLine[] = [];
  let leftOut = 0;
  const add = (path: string, value: unknown, depth: number): void => {
    if (isContainer(value) && depth < deepest && lines.length < most) {
      for (const [name, member] of Object.entries(value))
        add(path ? `${path}.${name}` : name, member, depth + 1);
    } else if (lines.length < most) {
      lines.push([shorten(path || 'payload', longestPath), shorten(formatValue(value, reader), longest)]);
    } else {
      leftOut++;
    }
  };
  if (isEmpty(payload)) return [];
  add('', payload, 0);
  if (leftOut > 0) lines.push(['…', leftOutOf[reader.language](leftOut)]);
  return lines;
};

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && !isContainer(value));

/** Never cut through a character. */
export const shorten = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…` : text;
