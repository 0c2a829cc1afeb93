import type { Attribute } from './attribute';
import { fixedBy, predicateOf } from './match-value';
import type { Filter } from './parse-filter';
import { isObject, longestList, readSingle } from './read-attributes';
import { invalid } from './scim-problem';

type Members = Record<string, unknown>;

/** One operation on one attribute, its path resolved. */
export interface AttributeChange {
  op: 'add' | 'remove' | 'replace';
  attribute: Attribute;
  filter: Filter | null;
  sub: Attribute | null;
  value: unknown;
  at: string;
}

/**
 * Applies an operation to the attribute where it is kept, by the rules of RFC 7644 §3.5.2.1 (add), §3.5.2.2 (remove)
 * and §3.5.2.3 (replace). Throws Problem invalidValue, invalidPath, mutability, noTarget.
 */
export const changeAttribute = (holder: Members, change: AttributeChange): void => {
  const { op, attribute, sub, at } = change;
  if (attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly')
    throw invalid('mutability', `${at}: ${nameOf(change)} is readOnly.`);
  if (sub?.mutability === 'immutable')
    throw invalid('mutability', `${at}: ${nameOf(change)} is immutable; replace the whole value.`);
  if (op === 'remove' && (sub ?? attribute).required)
    throw invalid('mutability', `${at}: ${nameOf(change)} is required.`);
  if (attribute.multiValued) return changeList(holder, change);
  if (attribute.type === 'complex') return changeComplex(holder, change);
  set(holder, attribute.name, op === 'remove' ? undefined : single(attribute, change));
};

const nameOf = ({ attribute, sub }: AttributeChange) =>
  sub ? `${attribute.name}.${sub.name}` : attribute.name;

const set = (holder: Members, name: string, value: unknown): void => {
  if (value === undefined) delete holder[name];
  else holder[name] = value;
};

/** Entra ID has sent single values as `[{"value": …}]`; null is no value (RFC 7643 §2.5). */
const single = (attribute: Attribute, { value, at }: AttributeChange): unknown => {
  const lone = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  const bare = attribute.type !== 'complex' && isObject(lone) && 'value' in lone ? lone.value : lone;
  return bare === null ? undefined : readSingle(attribute, bare, `${at}.value`);
};

const isEmpty = (value: unknown): boolean => isObject(value) && Object.keys(value).length === 0;

/** Sub-attributes that are not named stay as they are; null, or an empty string as Okta sends it, clears one. */
const changeComplex = (holder: Members, change: AttributeChange): void => {
  const { op, attribute, sub, value } = change;
  const now = isObject(holder[attribute.name]) ? { ...(holder[attribute.name] as Members) } : {};
  if (sub) set(now, sub.name, op === 'remove' ? undefined : single(sub, change));
  else if (op === 'remove' || value === null || value === '') return set(holder, attribute.name, undefined);
  else merge(now, attribute, change);
  set(holder, attribute.name, isEmpty(now) ? undefined : now);
};

const merge = (now: Members, attribute: Attribute, change: AttributeChange): void => {
  const read = single({ ...attribute, multiValued: true }, change);
  for (const name of clearedBy(attribute, change.value)) delete now[name];
  Object.assign(now, read);
};

const clearedBy = (attribute: Attribute, value: unknown): string[] => {
  const lone: unknown = Array.isArray(value) ? value[0] : value;
  if (!isObject(lone)) return [];
  const nulls = Object.keys(lone).filter((name) => lone[name] === null || lone[name] === '');
  return (attribute.subAttributes ?? [])
    .map(({ name }) => name)
    .filter((name) => nulls.some((given) => given.toLowerCase() === name.toLowerCase()));
};

/** The values of a list, and which of them an operation has made or changed. */
interface Values {
  list: Members[];
  touched: Members[];
}

const changeList = (holder: Members, change: AttributeChange): void => {
  const { op, attribute, filter, at } = change;
  const now = ((holder[attribute.name] as Members[] | undefined) ?? []).map((value) => ({ ...value }));
  const { list, touched } = filter
    ? changeSelected(now, filter, change)
    : change.sub
      ? changeEvery(now, change)
      : changeWhole(now, change);
  const kept = list.filter((value) => !isEmpty(value));
  if (kept.length > (attribute.maxItems ?? longestList))
    throw invalid('invalidValue', `${at}: ${attribute.name} may have at most ${longestList} values.`);
  if (op !== 'remove') keepOnePrimary(kept, touched, change);
  set(holder, attribute.name, kept.length > 0 ? kept : undefined);
};

/** "primary": true on a value of the operation makes every other one false (RFC 7644 §3.5.2). */
const keepOnePrimary = (list: Members[], touched: Members[], { attribute, at }: AttributeChange): void => {
  const preferred = touched.filter(({ primary }) => primary === true);
  if (preferred.length > 1)
    throw invalid('invalidValue', `${at}: ${attribute.name} may have one value with primary true.`);
  if (preferred.length === 0) return;
  for (const value of list) if (value.primary === true && value !== preferred[0]) value.primary = false;
};

const valuesOf = ({ attribute, value, at }: AttributeChange): Members[] => {
  const given: unknown[] = Array.isArray(value) ? value : [value];
  if (given.length > (attribute.maxItems ?? longestList))
    throw invalid('invalidValue', `${at}.value may have at most ${longestList} values.`);
  return given
    .filter((item) => item !== null)
    .map((item, index) => readSingle(attribute, item, `${at}.value[${index}]`) as Members);
};

/** Tells whether a value is there already: everything that is said of it is so. Not primary is the same as nothing said. */
const saysAllOf = (given: Members): ((known: Members) => boolean) => {
  const said = Object.entries(given);
  return (known) =>
    said.every(([name, value]) => (known[name] ?? (name === 'primary' ? false : null)) === value);
};

const changeWhole = (now: Members[], change: AttributeChange): Values => {
  if (change.op === 'remove') {
    // Not in the RFC: Entra ID removes values by naming them. Without a value everything goes.
    if (change.value === undefined || change.value === null) return { list: [], touched: [] };
    const gone = valuesOf(change)
      .filter((value) => !isEmpty(value))
      .map(saysAllOf);
    return { list: now.filter((value) => !gone.some((isGone) => isGone(value))), touched: [] };
  }
  const list = change.op === 'replace' ? [] : now;
  const touched: Members[] = [];
  for (const value of valuesOf(change)) {
    if (list.some(saysAllOf(value))) continue;
    list.push(value);
    touched.push(value);
  }
  return { list, touched };
};

/** A sub-attribute without a filter is that of every value; where there is none, it makes one. */
const changeEvery = (now: Members[], change: AttributeChange): Values => {
  const list = now.length === 0 && change.op !== 'remove' ? [{}] : now;
  return { list, touched: setSub(list, change) };
};

const setSub = (selected: Members[], change: AttributeChange): Members[] => {
  const { op, sub } = change;
  if (!sub) return [];
  const value = op === 'remove' ? undefined : single(sub, change);
  for (const item of selected) set(item, sub.name, value);
  return selected;
};

const changeSelected = (now: Members[], filter: Filter, change: AttributeChange): Values => {
  const { op, attribute, sub, at } = change;
  const selected = now.filter(predicateOf(filter, attribute));
  if (op === 'remove') {
    if (!sub) return { list: now.filter((value) => !selected.includes(value)), touched: [] };
    return { list: now, touched: setSub(selected, change) };
  }
  if (selected.length === 0) {
    // Entra ID adds `emails[type eq "work"].value`: what the filter says is then part of the new value.
    const fixed = op === 'add' ? fixedBy(filter, attribute) : null;
    if (!fixed) throw invalid('noTarget', `${at}: no value of ${attribute.name} fits the filter.`);
    const made = readSingle(attribute, fixed, at) as Members;
    apply(made, change);
    return { list: [...now, made], touched: [made] };
  }
  for (const value of selected) {
    if (op === 'replace' && !sub) for (const name of Object.keys(value)) delete value[name];
    apply(value, change);
  }
  return { list: now, touched: selected };
};

const apply = (value: Members, change: AttributeChange): void => {
  if (change.sub) setSub([value], change);
  else merge(value, change.attribute, change);
};
