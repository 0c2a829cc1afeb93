import { Problem } from '@countersign/service-kit';
import type { Attribute } from './attribute';
import { changeAttribute } from './patch-attribute';
import { patchTarget, unknownTarget, type PatchTarget } from './patch-path';
import { isObject } from './read-attributes';
import type { PatchOperation } from './read-patch';
import { findAttribute, type ResourceSchema } from './scim-schema';
import { invalid } from './scim-problem';

type Members = Record<string, unknown>;

/** Each may go through all values of a list, in one turn of the process. */
const mostOperations = 1_000;

/**
 * Applies the operations of a PATCH, in their order, to a copy of a resource as a client writes it: normalised, under
 * proper names. Throws Problem invalidPath, invalidFilter, invalidValue, mutability, noTarget, payload_too_large.
 */
export const applyPatch = (
  resource: Members,
  operations: readonly PatchOperation[],
  schema: ResourceSchema,
): Members => {
  if (operations.length > mostOperations)
    throw new Problem(
      'payload_too_large',
      `A PATCH of a user may have at most ${mostOperations} operations.`,
    );
  const patched = JSON.parse(JSON.stringify(resource)) as Members;
  for (const operation of operations) {
    for (const { target, value } of targetsOf(operation, schema))
      apply(patched, operation, target, value, schema);
  }
  return patched;
};

/** What an operation points at, with the value for each: one with a path, any number without. */
export const targetsOf = (
  { path, value, at }: PatchOperation,
  schema: ResourceSchema,
): { target: PatchTarget; value: unknown }[] => {
  if (path !== null) {
    const target = patchTarget(path, schema);
    if (!target) throw unknownTarget(path);
    return isIgnored(target) ? [] : [{ target, value }];
  }
  if (!isObject(value)) throw invalid('invalidValue', `${at}: the value must be an object of attributes.`);
  return Object.entries(value).flatMap(([name, member]) => {
    // Members are attributes as in a resource: what nobody knows or may write is ignored there too (RFC 7644 §3.3).
    // Entra ID and Okta name sub-attributes, extensions and value filters here as well.
    const target = knownTarget(name, schema);
    return target && !isIgnored(target) && !isReadOnly(target) ? [{ target, value: member }] : [];
  });
};

const knownTarget = (name: string, schema: ResourceSchema): PatchTarget | null => {
  if (name.includes('[')) return patchTarget(name, schema);
  const found = findAttribute(name.trim(), schema);
  return found && { path: name, ...found, filter: null };
};

const isReadOnly = ({ attribute, sub }: PatchTarget) =>
  attribute?.mutability === 'readOnly' || sub?.mutability === 'readOnly';

/** `schemas` follows from what is there. */
const isIgnored = ({ attribute }: PatchTarget) => attribute?.name === 'schemas';

const apply = (
  resource: Members,
  { op, at }: PatchOperation,
  target: PatchTarget,
  value: unknown,
  schema: ResourceSchema,
): void => {
  const { extension, attribute, filter, sub } = target;
  if (attribute === null) return applyExtension(resource, op, target, value, at, schema);
  const holder = extension === null ? resource : holderOf(resource, extension);
  changeAttribute(holder, { op, attribute, filter, sub, value, at });
  dropEmpty(resource, extension);
};

const holderOf = (resource: Members, extension: string): Members => {
  const known = resource[extension];
  if (isObject(known)) return known;
  const made: Members = {};
  resource[extension] = made;
  return made;
};

const dropEmpty = (resource: Members, extension: string | null): void => {
  if (extension !== null && Object.keys(holderOf(resource, extension)).length === 0)
    delete resource[extension];
};

/** An extension as a whole is like a complex attribute: what is not named stays. */
const applyExtension = (
  resource: Members,
  op: PatchOperation['op'],
  { extension }: PatchTarget,
  value: unknown,
  at: string,
  schema: ResourceSchema,
): void => {
  if (extension === null) return;
  if (op === 'remove' || value === null) {
    delete resource[extension];
    return;
  }
  if (!isObject(value)) throw invalid('invalidValue', `${at}: ${extension} must be an object.`);
  const holder = holderOf(resource, extension);
  for (const [name, member] of Object.entries(value)) {
    const found = findAttribute(`${extension}:${name}`, schema);
    const attribute: Attribute | null = found?.attribute ?? null;
    if (!found || !attribute || attribute.mutability === 'readOnly') continue;
    changeAttribute(holder, { op, attribute, filter: null, sub: found.sub, value: member, at });
  }
  dropEmpty(resource, extension);
};
