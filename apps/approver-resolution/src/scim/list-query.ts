import { invalid } from './scim-problem';

/** Resources in a page: when the client does not say, and at most. */
const usualCount = 100;
export const mostResults = 200;

/** The query string of a call; a parameter given twice is a list. */
export type QueryParameters = Record<string, string | string[] | undefined>;

/** The query of a SCIM list. Parameters that are not known here are ignored (RFC 7644 §3.4.2.3: sorting). */
export interface ListQuery {
  filter: string | null;
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

const parameter = (query: QueryParameters, name: string): string | null => {
  const value = query[name];
  if (Array.isArray(value)) throw invalid('invalidValue', `${name} may be given once.`);
  return value ?? null;
};

const wholeNumber = (query: QueryParameters, name: string, usual: number): number => {
  const text = parameter(query, name);
  if (text === null) return usual;
  if (!/^-?\d{1,9}$/.test(text)) throw invalid('invalidValue', `${name} must be a whole number.`);
  return Number(text);
};

const names = (query: QueryParameters, name: string): string[] | null =>
  parameter(query, name)
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '') ?? null;

/** Throws Problem invalidValue. */
export const readListQuery = (query: QueryParameters): ListQuery => ({
  filter: parameter(query, 'filter'),
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
