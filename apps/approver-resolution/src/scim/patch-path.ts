import type { Attribute } from './attribute';
import { parseFilter, type Filter } from './parse-filter';
import { findAttribute, type ResourceSchema } from './scim-schema';
import { invalid } from './scim-problem';

/** What a PATCH path points at (RFC 7644 §3.5.2, figure 7). */
export interface PatchTarget {
  path: string;
  extension: string | null;
  /** Null: the extension as a whole. */
  attribute: Attribute | null;
  filter: Filter | null;
  sub: Attribute | null;
}

const longest = 1_000;
/** attrPath, or valuePath with an optional sub-attribute: the filter is whatever the outer brackets hold. */
const withFilter = /^([^[\]"\s]+)\[(.*)\](?:\.([$\w-]+))?$/s;
const plain = /^[^[\]"\s]+$/;

/**
 * Reads a path. Null when it is well-formed and names nothing that the schemas know. Throws Problem invalidPath,
 * invalidFilter.
 */
export const patchTarget = (text: string, schema: ResourceSchema): PatchTarget | null => {
  const path = text.trim();
  if (path.length > longest) throw invalid('invalidPath', `A path may have at most ${longest} characters.`);
  const [, before, filterText, subName] = withFilter.exec(path) ?? [];
  if (before === undefined || filterText === undefined) {
    if (!plain.test(path)) throw malformed(path);
    const found = findAttribute(path, schema);
    return found && { path, ...found, filter: null };
  }
  const found = findAttribute(subName === undefined ? before : `${before}.${subName}`, schema);
  if (!found) return null;
  const { attribute } = found;
  if (!attribute?.multiValued || findAttribute(before, schema)?.sub)
    throw invalid('invalidPath', `${shown(path)}: only a multi-valued attribute has values to select.`);
  return { path, ...found, filter: valueFilter(path, filterText) };
};

const valueFilter = (path: string, text: string): Filter => {
  const filter = parseFilter(text);
  if (nests(filter)) throw malformed(path);
  return filter;
};

/** A value filter holds none itself (valFilter of figure 1). */
const nests = (filter: Filter): boolean => {
  switch (filter.kind) {
    case 'values':
      return true;
    case 'and':
    case 'or':
      return filter.parts.some(nests);
    case 'not':
      return nests(filter.part);
    case 'present':
    case 'compare':
      return false;
  }
};

const shown = (path: string) => path.slice(0, 100);

const malformed = (path: string) =>
  invalid('invalidPath', `${shown(path)} is not a path of RFC 7644 §3.5.2.`);

export const unknownTarget = (path: string) =>
  invalid('invalidPath', `${shown(path)} is no attribute of this resource.`);
