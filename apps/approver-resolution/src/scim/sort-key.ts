import type { Field, Fields } from './filter-fields';
import { invalid } from './scim-problem';

/** How a list is sorted (RFC 7644 §3.4.2.3). */
export interface Sorting {
  by: string;
  order: 'ascending' | 'descending';
}

/**
 * What to sort a row `t` by, as SQL. Of several values it is the primary one, else the first; text has no case unless
 * its attribute does. Throws Problem invalidValue for what cannot be sorted.
 */
export const sortKey = (path: string, fields: Fields): string => {
  const unsortable = () =>
    invalid('invalidValue', `sortBy: ${path.slice(0, 100)} is no attribute to sort by.`);
  const field = fieldOf(path, fields, unsortable);
  if (field.kind !== 'list') return keyOf(field);
  const value = field.sub('value');
  if (!value || value.kind === 'list') throw unsortable();
  return `(SELECT ${keyOf(value)} FROM ${field.rows} ORDER BY ${field.order} LIMIT 1)`;
};

const fieldOf = (path: string, fields: Fields, unsortable: () => Error): Field => {
  try {
    return fields(path);
  } catch {
    throw unsortable();
  }
};

/** The same order whatever the locale of the database. */
const keyOf = (field: Exclude<Field, { kind: 'list' }>): string => {
  switch (field.kind) {
    case 'text':
      return `lower(${field.sql}) COLLATE "C"`;
    case 'exact':
    case 'key':
      return `(${field.sql}) COLLATE "C"`;
    case 'boolean':
    case 'uuid':
    case 'decimal':
    case 'dateTime':
      return field.sql;
  }
};

/** The key as text that sorts alike, for lists of several types. */
export const textKey = (path: string, fields: Fields): string => {
  const field = fields(path);
  const key = sortKey(path, fields);
  if (field.kind === 'decimal') return `to_char(${key}, '000000000000000000000000000000.0000000000')`;
  if (field.kind === 'dateTime')
    return `to_char(${key} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') COLLATE "C"`;
  return field.kind === 'list' ? `(${key})::text COLLATE "C"` : `${key}::text COLLATE "C"`;
};
