import { parse, type Filter as ParsedFilter } from 'scim2-parse-filter';
import { invalid } from './scim-problem';

export type FilterValue = string | number | boolean | null;
export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** A filter of RFC 7644 §3.4.2.2. */
export type Filter =
  | { kind: 'and' | 'or'; parts: Filter[] }
  | { kind: 'not'; part: Filter }
  /** `path[inner]` */
  | { kind: 'values'; path: string; inner: Filter }
  | { kind: 'present'; path: string }
  | { kind: 'compare'; path: string; comparison: Comparison; value: FilterValue };

/** Limits of a filter: characters, comparisons, depth. PostgreSQL's own parser has a stack too. */
const longest = 4_000;
const mostComparisons = 50;
const deepest = 20;

const literal = /"(?:[^"\\]|\\.)*"|(?<=[\s=])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?=[\s)\]]|$)/g;
const correlated =
  /([\w:.-]+)\[([^[\]]*)\]\.([\w-]+)(\s+(?:pr\b|(?:eq|ne|co|sw|ew|gt|ge|lt|le)\s*(?:"\d+"|\w+)))/gi;

/**
 * Parses a filter of RFC 7644 §3.4.2.2; `a[b].c eq d` means `a[b and c eq d]`. Throws Problem invalidFilter, also for what
 * is too long, too deep or compares too much.
 *
 * The parser gets numbers in place of the literals: its own reading of strings doubles backslashes and takes time
 * without end over line breaks, and a negative number in the middle is none to it.
 */
export const parseFilter = (text: string): Filter => {
  if (text.length > longest)
    throw invalid('invalidFilter', `A filter may have at most ${longest} characters.`);
  const values: FilterValue[] = [];
  const bare = text.replace(literal, (token) => `"${values.push(valueOf(token)) - 1}"`).replace(/\s+/g, ' ');
  // A quote that is left opens a string that does not end: over that the parser would take time without end.
  if (/\p{Cc}/u.test(bare) || bare.replace(/"\d+"/g, '').includes('"')) throw malformed();
  const parsed = parsedOf(bare.replace(correlated, '$1[($2) and $3$4]'));
  return checked(parsed, values, { comparisons: 0 }, 0);
};

const parsedOf = (text: string): ParsedFilter => {
  // What is left of it after the replacement has a meaning to the parser that the grammar does not give it.
  if (/\]\s*\./.test(text)) throw malformed();
  try {
    return parse(text);
  } catch {
    throw malformed();
  }
};

const malformed = () => invalid('invalidFilter', 'This is not a filter of RFC 7644 §3.4.2.2.');

/** Values are JSON (RFC 7644 §3.4.2.2, figure 1). */
const valueOf = (token: string): FilterValue => {
  try {
    const value = JSON.parse(token) as FilterValue;
    if (typeof value !== 'string' || (!value.includes('\0') && value.isWellFormed())) return value;
  } catch {
    // Falls through: it is no JSON.
  }
  throw invalid('invalidFilter', 'A value in the filter is not valid JSON.');
};

const checked = (
  filter: ParsedFilter,
  values: readonly FilterValue[],
  count: { comparisons: number },
  depth: number,
): Filter => {
  if (depth > deepest) throw invalid('invalidFilter', 'The filter is nested too deeply.');
  const inner = (part: ParsedFilter) => checked(part, values, count, depth + 1);
  if ('filters' in filter) return { kind: filter.op, parts: filter.filters.map(inner) };
  if ('filter' in filter) return { kind: 'not', part: inner(filter.filter) };
  const path = filter.attrPath;
  if ('valFilter' in filter) return { kind: 'values', path, inner: inner(filter.valFilter) };
  if (++count.comparisons > mostComparisons)
    throw invalid('invalidFilter', `A filter may have at most ${mostComparisons} comparisons.`);
  if (!('compValue' in filter)) return { kind: 'present', path };
  return { kind: 'compare', path, comparison: filter.op, value: literalOf(filter.compValue, values) };
};

/** What the parser read as a string is the number of a literal; true, false and null are themselves. */
const literalOf = (value: FilterValue, values: readonly FilterValue[]): FilterValue => {
  if (typeof value === 'boolean' || value === null) return value;
  return values[Number(value)] ?? null;
};
