import { attributeNamed, type Attribute } from './attribute';
import { booleanOf } from './filter-condition';
import type { Comparison, Filter, FilterValue } from './parse-filter';
import { invalid } from './scim-problem';

type Value = Record<string, unknown>;
type Compare = Extract<Filter, { kind: 'compare' }>;

/** Whether a value of a multi-valued attribute fits a value filter (RFC 7644 §3.5.2). Throws Problem invalidFilter. */
export const fits = (value: Value, filter: Filter, attribute: Attribute): boolean => {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every((part) => fits(value, part, attribute));
    case 'or':
      return filter.parts.some((part) => fits(value, part, attribute));
    case 'not':
      return !fits(value, filter.part, attribute);
    case 'present': {
      const given = value[subOf(filter.path, attribute).name];
      return given !== undefined && given !== null && given !== '';
    }
    case 'values':
      return false;
    case 'compare':
      return compares(value, filter, attribute);
  }
};

/** Looks up every attribute that a filter names, so that a wrong one is refused even where there is no value. */
export const checkFilter = (filter: Filter, attribute: Attribute): void => {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.forEach((part) => checkFilter(part, attribute));
    case 'not':
      return checkFilter(filter.part, attribute);
    case 'values':
      throw subUnknown(filter.path);
    case 'present':
    case 'compare':
      subOf(filter.path, attribute);
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

const compares = (
  value: Value,
  { comparison: op, path: attrPath, value: compValue }: Compare,
  attribute: Attribute,
): boolean => {
  const sub = subOf(attrPath, attribute);
  const actual = value[sub.name] ?? null;
  if (compValue === null) {
    if (op === 'eq') return actual === null;
    if (op === 'ne') return actual !== null;
    throw unfit(attrPath, op);
  }
  const expected = comparable(sub, compValue, () => unfit(attrPath, op));
  if (sub.type === 'boolean' && op !== 'eq' && op !== 'ne') throw unfit(attrPath, op);
  if (actual === null) return op === 'ne';
  return holds(
    op,
    comparable(sub, actual as FilterValue, () => unfit(attrPath, op)),
    expected,
    () => unfit(attrPath, op),
  );
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

const holds = (op: Comparison, actual: Comparable, expected: Comparable, refusal: () => Error): boolean => {
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
    case 'sw':
    case 'ew':
      if (typeof actual !== 'string' || typeof expected !== 'string') throw refusal();
      if (op === 'co') return actual.includes(expected);
      return op === 'sw' ? actual.startsWith(expected) : actual.endsWith(expected);
  }
};

const unfit = (path: string, op: string) =>
  invalid('invalidFilter', `${path.slice(0, 100)} cannot be compared with ${op} like that.`);
