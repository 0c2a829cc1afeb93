import { isUuid } from '@countersign/contracts';
import { Problem } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { referencesIn } from './bulk-references';
import { isObject, memberOf } from './read-attributes';
import { conflict, invalid } from './scim-problem';

export const mostBulkOperations = 1_000;

/** One operation of a bulk (RFC 7644 §3.7). */
export interface BulkOperation {
  /** As the client wrote it, for the answer. */
  method: string;
  bulkId: string | null;
  type: 'User' | 'Group';
  /** Of what it changes; of what it makes, if it gets made. Null when it names nothing of ours. */
  id: string | null;
  version: string | null;
  data: unknown;
  /** Operations whose results it needs. */
  refersTo: number[];
  /** Why it cannot be carried out, whatever else happens. */
  refusal: Problem | null;
}

export interface Bulk {
  operations: BulkOperation[];
  /** The bulk ends at this many errors. */
  failOnErrors: number;
}

const bulkUrn = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** Throws Problem invalidSyntax, invalidValue, payload_too_large; what is wrong with one operation is in it. */
export const readBulk = (body: Record<string, unknown>): Bulk => {
  const schemas = memberOf(body, 'schemas');
  if (!Array.isArray(schemas) || !schemas.includes(bulkUrn))
    throw invalid('invalidSyntax', `schemas must name ${bulkUrn}.`);
  const given = memberOf(body, 'Operations');
  if (!Array.isArray(given)) throw invalid('invalidSyntax', 'Operations must be a list.');
  if (given.length > mostBulkOperations) {
    throw new Problem(
      'payload_too_large',
      `The bulk has more operations than maxOperations (${mostBulkOperations}).`,
    );
  }
  const operations = given.map(readOperation);
  connect(operations);
  return { operations, failOnErrors: readLimit(memberOf(body, 'failOnErrors')) };
};

const readLimit = (given: unknown): number => {
  if (given === undefined || given === null) return Infinity;
  if (Number.isInteger(given) && (given as number) > 0) return given as number;
  throw invalid('invalidValue', 'failOnErrors must be a whole number from 1.');
};

const pathPattern = /^\/?(Users|Groups)(?:\/([^/?#]+))?$/;

const readOperation = (given: unknown, index: number): BulkOperation => {
  if (!isObject(given)) throw invalid('invalidSyntax', `Operations[${index}] must be an object.`);
  const text = (name: string): string | null => {
    const value = memberOf(given, name) ?? null;
    if (value === null || typeof value === 'string') return value;
    throw invalid('invalidSyntax', `Operations[${index}].${name} must be a string.`);
  };
  const method = (text('method') ?? '').toUpperCase();
  const [, collection, name] = pathPattern.exec(text('path') ?? '') ?? [];
  const bulkId = text('bulkId');
  return {
    method,
    bulkId,
    type: collection === 'Groups' ? 'Group' : 'User',
    id: method === 'POST' ? v7() : (name ?? null),
    version: text('version'),
    data: memberOf(given, 'data'),
    refersTo: [],
    refusal: refusalOf(method, collection, name, bulkId),
  };
};

const refusalOf = (
  method: string,
  collection: string | undefined,
  name: string | undefined,
  bulkId: string | null,
): Problem | null => {
  if (!['POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
    return invalid('invalidValue', 'method must be POST, PUT, PATCH or DELETE.');
  if (!collection) return invalid('invalidValue', 'path must be /Users or /Groups, and what is below.');
  if (method !== 'POST') return name ? null : invalid('invalidValue', `path must name what to ${method}.`);
  if (name) return invalid('invalidValue', 'path of a POST must be /Users or /Groups.');
  return bulkId ? null : invalid('invalidSyntax', 'A POST needs a bulkId (RFC 7644 §3.7).');
};

/** Finds what each operation refers to, in its data and in its path. */
const connect = (operations: BulkOperation[]): void => {
  const makers = new Map<string, number>();
  operations.forEach((operation, index) => {
    const { bulkId, method } = operation;
    if (method !== 'POST' || bulkId === null) return;
    if (makers.has(bulkId)) operation.refusal ??= invalid('invalidValue', `bulkId ${bulkId} is there twice.`);
    else makers.set(bulkId, index);
  });
  for (const operation of operations) {
    const named = operation.method === 'POST' ? [] : referencesIn(operation.id);
    for (const bulkId of [...named, ...referencesIn(operation.data)]) {
      const maker = makers.get(bulkId);
      if (maker !== undefined) operation.refersTo.push(maker);
      else operation.refusal ??= conflict(`bulkId:${bulkId} names no POST of this bulk.`);
    }
    if (named.length === 0 && operation.id !== null && !isUuid(operation.id)) operation.id = null;
  }
};
