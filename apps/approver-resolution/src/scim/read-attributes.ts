import type { Attribute } from './attribute';
import { invalid } from './scim-problem';

type Members = Record<string, unknown>;

/** Characters of a string that has no limit of its own, and values of a list that has none. */
const longestText = 4_096;
export const longestList = 100;

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member by its name without regard to case (RFC 7643 §2.1). */
export const memberOf = (object: Members, name: string): unknown => {
  if (Object.hasOwn(object, name)) return object[name];
  const key = name.toLowerCase();
  const found = Object.keys(object).find((candidate) => candidate.toLowerCase() === key);
  return found === undefined ? undefined : object[found];
};

/**
 * The attributes of an object that the schema knows and lets a client write, under their proper names. Others are
 * ignored (RFC 7644 §3.3); null and empty lists are no value (RFC 7643 §2.5). Throws Problem invalidValue.
 */
export const readAttributes = (attributes: readonly Attribute[], object: Members, path = ''): Members => {
  const read: Members = {};
  for (const attribute of attributes) {
    const at = `${path}${attribute.name}`;
    const given = attribute.mutability === 'readOnly' ? undefined : memberOf(object, attribute.name);
    const value = given === undefined || given === null ? undefined : readValue(attribute, given, at);
    if (value !== undefined) read[attribute.name] = value;
    else if (attribute.required) throw invalid('invalidValue', `${at} is required.`);
  }
  return read;
};

/** The value or, of a multi-valued attribute, the list of values. Throws Problem invalidValue. */
export const readValue = (attribute: Attribute, given: unknown, at: string): unknown => {
  if (!attribute.multiValued) return readSingle(attribute, given, at);
  if (!Array.isArray(given)) throw invalid('invalidValue', `${at} must be a list.`);
  const most = attribute.maxItems ?? longestList;
  if (given.length > most) throw invalid('invalidValue', `${at} may have at most ${most} values.`);
  const values = given.map((item: unknown, index) => readSingle(attribute, item, `${at}[${index}]`));
  if (values.filter((value) => isObject(value) && value.primary === true).length > 1)
    throw invalid('invalidValue', `${at} may have one value with primary true (RFC 7643 §2.4).`);
  return values.length > 0 ? values : undefined;
};

/** One value of an attribute; undefined when it is none. Throws Problem invalidValue. */
export const readSingle = (attribute: Attribute, given: unknown, at: string): unknown => {
  switch (attribute.type) {
    case 'complex':
      return readComplex(attribute, given, at);
    case 'boolean':
      return readBoolean(given, at);
    case 'decimal':
      return readNumber(given, at);
    case 'dateTime':
      return readTime(given, at);
    case 'string':
    case 'reference':
    case 'binary':
      return readText(attribute, given, at);
  }
};

/** A plain string stands for its `value`: some clients send roles, managers and members like that. */
const readComplex = (attribute: Attribute, given: unknown, at: string): Members | undefined => {
  const subAttributes = attribute.subAttributes ?? [];
  const hasValue = subAttributes.some(({ name }) => name === 'value');
  const object = typeof given === 'string' && hasValue ? { value: given } : given;
  if (!isObject(object)) throw invalid('invalidValue', `${at} must be an object.`);
  const read = readAttributes(subAttributes, object, `${at}.`);
  return Object.keys(read).length > 0 || attribute.multiValued ? read : undefined;
};

/** Some clients send booleans as text. */
const readBoolean = (given: unknown, at: string): boolean => {
  if (typeof given === 'boolean') return given;
  if (typeof given === 'string' && /^(true|false)$/i.test(given)) return given.toLowerCase() === 'true';
  throw invalid('invalidValue', `${at} must be true or false.`);
};

const numberAsText = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** Entra ID sends extension attributes as text. */
const readNumber = (given: unknown, at: string): number => {
  const number = typeof given === 'string' && numberAsText.test(given) ? Number(given) : given;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw invalid('invalidValue', `${at} must be a number.`);
};

const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** What PostgreSQL reads back: in UTC too the year has four digits, from 0001 on. */
const inUtc = /^(?!0000)\d{4}-/;

const readTime = (given: unknown, at: string): string => {
  const time = typeof given === 'string' && dateTime.test(given) ? new Date(given) : null;
  const text = time && !Number.isNaN(time.getTime()) ? time.toISOString() : '';
  if (!inUtc.test(text)) throw invalid('invalidValue', `${at} must be a date and time with a zone.`);
  return text;
};

const readText = (attribute: Attribute, given: unknown, at: string): string | undefined => {
  if (typeof given !== 'string') throw invalid('invalidValue', `${at} must be a string.`);
  const most = attribute.maxLength ?? longestText;
  if (given.length > most) throw invalid('invalidValue', `${at} may have at most ${most} characters.`);
  // PostgreSQL has no NUL in text.
  if (given.includes('\0')) throw invalid('invalidValue', `${at} must not contain a NUL.`);
  if (given.trim() !== '') return given;
  return undefined;
};
