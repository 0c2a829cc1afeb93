const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

const decimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 20, useGrouping: false });

/** A number as people everywhere read it, without separators of thousands: `1000`, `0.5`. */
export function numeral(value: number): string {
  return Object.is(value, -0) ? '0' : decimal.format(value);
}

/** How many of something: `no rejections`, `one approval`, `two approvals`, `25 approvals`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${WORDS[value] ?? numeral(value)} ${value === 1 ? one : many}`;
}

/** Joins phrases with commas and a last word: `a, b and c`. */
export function list(phrases: string[], word = 'and'): string {
  if (phrases.length < 2) return phrases.join('');
  return `${phrases.slice(0, -1).join(', ')} ${word} ${phrases.at(-1)}`;
}

/** Begins with a capital letter and ends with a full stop. */
export function sentence(phrase: string): string {
  const text = phrase.replace(/^\p{Ll}/u, (first) => first.toUpperCase());
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
