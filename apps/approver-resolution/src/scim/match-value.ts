import { attributeNamed, type Attribute } from './attribute';
import { booleanOf } from './filter-condition';
import type { Comparison, Filter, FilterValue } from './parse-filter';
import { invalid } from './scim-problem';

type Value = Record<string, unknown>;
type Compare = Extract<Filter, { kind: 'compare' }>;

/**
 * Tells whether a value of a multi-valued attribute fits a value filter (RFC 7644 §3.5.2). Everything in the filter is looked
 * up once, so that what is wrong is refused even where there is no value. Throws Problem invalidFilter.
 */
export const predicateOf = (filter: Filter, attribute: Attribute): ((value: Value) => boolean) => {
  switch (filter.kind) {
    case 'and': {
      const parts = filter.parts.map((part) => predicateOf(part, attribute));
      return (value) => parts.every((fits) => fits(value));
    }
    case 'or': {
      const parts = filter.parts.map((part) => predicateOf(part, attribute));
      return (value) => parts.some((fits) => fits(value));
    }
    case 'not': {
      const fits = predicateOf(filter.part, attribute);
      return (value) => !fits(value);
    }
    case 'present': {
      const { name } = subOf(filter.path, attribute);
      return ({ [name]: given }) => given !== undefined && given !== null && given !== '';
    }
    case 'values':
      throw subUnknown(filter.path);
    case 'compare':
      return comparisonOf(filter, attribute);
  }
};

/**
 * The sub-attributes that a filter fixes: `type eq "work" and primary eq true` → {type: work, primary: true}. Null when
 * it says anything else.
 */
export const fixedBy = (filter: Filter, attribute: Attribute): Value | null => {
  if (filter.kind === 'compare' && filter.comparison === 'eq')
    return { [subOf(filter.path, attribute).name]: filter.value };
  if (filter.kind !== 'and') return null;
  const parts = filter.parts.map((part) => fixedBy(part, attribute));
  return parts.includes(null) ? null : (Object.assign({}, ...parts) as Value);
};

const subUnknown = (name: string) =>
  invalid('invalidFilter', `${name.slice(0, 100)} cannot be used in a filter.`);

const subOf = (name: string, attribute: Attribute): Attribute => {
  const sub = attributeNamed(attribute.subAttributes ?? [], name);
  if (!sub) throw subUnknown(name);
  return sub;
};

const comparisonOf = (
  { comparison: op, path, value: compValue }: Compare,
  attribute: Attribute,
): ((value: Value) => boolean) => {
  const sub = subOf(path, attribute);
  const refusal = () => unfit(path, op);
  if (compValue === null) {
    if (op !== 'eq' && op !== 'ne') throw refusal();
    return ({ [sub.name]: actual }) => ((actual ?? null) === null) === (op === 'eq');
  }
  const expected = comparable(sub, compValue, refusal);
  const isEquality = op === 'eq' || op === 'ne';
  const isPart = op === 'co' || op === 'sw' || op === 'ew';
  if ((sub.type === 'boolean' && !isEquality) || (isPart && typeof expected !== 'string')) throw refusal();
  return ({ [sub.name]: actual }) =>
    actual === undefined || actual === null
      ? op === 'ne'
      : holds(op, comparable(sub, actual as FilterValue, refusal), expected);
};

type Comparable = string | number | boolean;

const comparable = (sub: Attribute, value: FilterValue, refusal: () => Error): Comparable => {
  switch (sub.type) {
    case 'boolean': {
      const truth = booleanOf(value);
      if (truth === null) throw refusal();
      return truth;
    }
    case 'decimal':
      if (typeof value !== 'number') throw refusal();
      return value;
    case 'dateTime': {
      const time = typeof value === 'string' ? Date.parse(value) : NaN;
      if (Number.isNaN(time)) throw refusal();
      return time;
    }
    case 'string':
    case 'reference':
    case 'binary':
    case 'complex':
      if (typeof value !== 'string') throw refusal();
      return sub.caseExact || sub.type !== 'string' ? value : value.toLowerCase();
  }
};

const holds = (op: Comparison, actual: Comparable, expected: Comparable): boolean => {
  switch (op) {
    case 'eq':
      return actual === expected;
    case 'ne':
      return actual !== expected;
    case 'gt':
      return actual > expected;
    case 'ge':
      return actual >= expected;
    case 'lt':
      return actual < expected;
    case 'le':
      return actual <= expected;
    case 'co':
      return String(actual).includes(String(expected));
    case 'sw':
      return String(actual).startsWith(String(expected));
    case 'ew':
      return String(actual).endsWith(String(expected));
  }
};

const unfit = (path: string, op: string) =>
  invalid('invalidFilter', `${path.slice(0, 100)} cannot be compared with ${op} like that.`);
