import { numeral } from './phrase';

const MAX_SHOWN_LENGTH = 60;
const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N} ._@/-]*$/u;

function textOf(value: unknown): string {
  if (typeof value === 'number') return numeral(value);
  return typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);
}

/** A value as people write it; a text that could be taken for ours is quoted. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return 'not set';
  if (value === '') return 'empty';
  const text = textOf(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…` : text;
}
