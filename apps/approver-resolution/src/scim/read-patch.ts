import { Problem } from '@countersign/service-kit';
import { isObject, memberOf } from './read-attributes';
import { invalid } from './scim-problem';

/** One operation of a PATCH (RFC 7644 §3.5.2). */
export interface PatchOperation {
  op: 'add' | 'remove' | 'replace';
  path: string | null;
  /** `undefined` when it was not given. */
  value: unknown;
  /** Where it is in the body, for what is said about it. */
  at: string;
}

const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const mostOperations = 10_000;
/** Characters of all paths together: reading the filters in them takes time. */
const longestPaths = 1_000_000;
const ops: readonly string[] = ['add', 'remove', 'replace'];

/**
 * Reads the body of a PATCH. Entra ID writes `Add`; a bulk of the RFC's has the bare list of operations. Throws Problem
 * invalidSyntax, invalidPath, noTarget, payload_too_large.
 */
export const readPatch = (body: unknown): PatchOperation[] => {
  const list = Array.isArray(body) ? (body as unknown[]) : operationsOf(body);
  if (list.length === 0) throw invalid('invalidSyntax', 'Operations must name at least one operation.');
  if (list.length > mostOperations)
    throw new Problem('payload_too_large', `A PATCH may have at most ${mostOperations} operations.`);
  const operations = list.map(readOperation);
  if (operations.reduce((sum, operation) => sum + pathLength(operation), 0) > longestPaths)
    throw new Problem('payload_too_large', `The paths may have at most ${longestPaths} characters together.`);
  return operations;
};

/** Without a path the names in the value are paths. */
const pathLength = ({ path, value }: PatchOperation): number =>
  path === null ? Object.keys(value as object).join('').length : path.length;

const operationsOf = (body: unknown): unknown[] => {
  if (!isObject(body)) throw invalid('invalidSyntax', 'The body must be a JSON object.');
  const schemas = memberOf(body, 'schemas');
  const isNamed = (name: unknown) =>
    typeof name === 'string' && name.toLowerCase() === patchUrn.toLowerCase();
  if (!Array.isArray(schemas) || !schemas.some(isNamed))
    throw invalid('invalidSyntax', `schemas must name ${patchUrn}.`);
  const operations = memberOf(body, 'Operations');
  if (!Array.isArray(operations)) throw invalid('invalidSyntax', 'Operations must be a list.');
  return operations as unknown[];
};

const readOperation = (given: unknown, index: number): PatchOperation => {
  const at = `Operations[${index}]`;
  if (!isObject(given)) throw invalid('invalidSyntax', `${at} must be an object.`);
  const op = memberOf(given, 'op');
  const name = typeof op === 'string' ? op.toLowerCase() : '';
  if (!ops.includes(name)) throw invalid('invalidSyntax', `${at}.op must be add, remove or replace.`);
  const path = memberOf(given, 'path') ?? null;
  if (path !== null && (typeof path !== 'string' || path.trim() === ''))
    throw invalid('invalidPath', `${at}.path must be a path.`);
  const value = memberOf(given, 'value');
  if (name === 'remove' && path === null)
    throw invalid('noTarget', `${at}: remove needs a path (RFC 7644 §3.5.2.2).`);
  if (name !== 'remove' && value === undefined)
    throw invalid('invalidValue', `${at}: ${name} needs a value.`);
  if (path === null && !isObject(value))
    throw invalid('invalidValue', `${at}: without a path the value must be an object of attributes.`);
  return { op: name as PatchOperation['op'], path, value, at };
};
