import type { Sorting } from './sort-key';
import { memberOf } from './read-attributes';
import { invalid } from './scim-problem';

/** Resources in a page: when the client does not say, and at most. */
const usualCount = 100;
export const mostResults = 200;

/** The query string of a call; a parameter given twice is a list. */
export type QueryParameters = Record<string, string | string[] | undefined>;

/** The query of a SCIM list, by GET or by POST to `.search`. */
export interface ListQuery {
  filter: string | null;
  sorting: Sorting | null;
  /** From 1. */
  startIndex: number;
  count: number;
  projection: Projection;
}

/** Which attributes to answer with (RFC 7644 §3.9). */
export interface Projection {
  attributes: string[] | null;
  excluded: string[];
}

export const wholeResource: Projection = { attributes: null, excluded: [] };

const longestName = 1_000;
const mostNames = 200;

const parameter = (query: QueryParameters, name: string): string | null => {
  const value = query[name];
  if (value !== undefined && typeof value !== 'string')
    throw invalid('invalidValue', `${name} may be given once.`);
  if (value?.includes('\0'))
    throw invalid(name === 'filter' ? 'invalidFilter' : 'invalidValue', `${name} must not contain a NUL.`);
  return value ?? null;
};

const wholeNumber = (query: QueryParameters, name: string, usual: number): number => {
  const text = parameter(query, name);
  if (text === null) return usual;
  if (!/^-?\d{1,9}$/.test(text)) throw invalid('invalidValue', `${name} must be a whole number.`);
  return Number(text);
};

const names = (query: QueryParameters, name: string): string[] | null => {
  const list = parameter(query, name)
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (list && (list.length > mostNames || list.some((one) => one.length > longestName)))
    throw invalid('invalidValue', `${name} names too much.`);
  return list ?? null;
};

/** An unknown sortOrder would be a wrong answer, so it is refused. Without sortBy it means nothing. */
const sortingOf = (query: QueryParameters): Sorting | null => {
  const by = parameter(query, 'sortBy')?.trim() ?? '';
  const order = (parameter(query, 'sortOrder') ?? 'ascending').toLowerCase();
  if (order !== 'ascending' && order !== 'descending')
    throw invalid('invalidValue', 'sortOrder must be ascending or descending.');
  return by === '' ? null : { by, order };
};

/** Throws Problem invalidValue. */
export const readListQuery = (query: QueryParameters): ListQuery => ({
  filter: parameter(query, 'filter'),
  sorting: sortingOf(query),
  startIndex: Math.max(1, wholeNumber(query, 'startIndex', 1)),
  count: Math.min(mostResults, Math.max(0, wholeNumber(query, 'count', usualCount))),
  projection: readProjection(query),
});

/** Throws Problem invalidValue. */
export const readProjection = (query: QueryParameters): Projection => {
  const attributes = names(query, 'attributes');
  const excluded = names(query, 'excludedAttributes') ?? [];
  if (attributes && excluded.length > 0) {
    throw invalid('invalidValue', 'Either attributes or excludedAttributes, not both.');
  }
  return { attributes, excluded };
};

const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** Reads the body of a POST to `.search` (RFC 7644 §3.4.3): the same parameters as members of an object. */
export const readSearchRequest = (body: Record<string, unknown>): ListQuery => {
  const schemas = memberOf(body, 'schemas');
  if (!Array.isArray(schemas) || !schemas.includes(searchUrn))
    throw invalid('invalidSyntax', `schemas must name ${searchUrn}.`);
  const query: QueryParameters = {};
  for (const name of ['filter', 'sortBy', 'sortOrder'] as const) query[name] = textMember(body, name);
  for (const name of ['startIndex', 'count'] as const) query[name] = numberMember(body, name);
  for (const name of ['attributes', 'excludedAttributes'] as const) query[name] = listMember(body, name);
  return readListQuery(query);
};

const textMember = (body: Record<string, unknown>, name: string): string | undefined => {
  const value = memberOf(body, name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalid('invalidValue', `${name} must be a string.`);
};

const numberMember = (body: Record<string, unknown>, name: string): string | undefined => {
  const value = memberOf(body, name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  if (Number.isInteger(value)) return String(value);
  throw invalid('invalidValue', `${name} must be a whole number.`);
};

const listMember = (body: Record<string, unknown>, name: string): string | undefined => {
  const value = memberOf(body, name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',');
  throw invalid('invalidValue', `${name} must be a list of strings.`);
};
