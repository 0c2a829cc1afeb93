import { Problem, scimBodyLimit, type Call } from '@countersign/service-kit';
import type { Schema } from './attribute';
import { memberOf, readAttributes } from './read-attributes';
import { invalid } from './scim-problem';

type Members = Record<string, unknown>;

/** The body of a SCIM call, any JSON object. Throws Problem invalidSyntax, payload_too_large. */
export const scimBody = async (call: Call): Promise<Members> => {
  const body = await call.json(scimBodyLimit).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'malformed_json')
      throw invalid('invalidSyntax', error.detail);
    throw error;
  });
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('invalidSyntax', 'The body must be a JSON object.');
  }
  return body as Members;
};

/**
 * A resource as a client may write it: the attributes of its schema, and under its URN those of each extension.
 * `schemas` may be missing; when it is there it must name the schema (RFC 7643 §3).
 */
export const readResource = (body: Members, schema: Schema, extensions: readonly Schema[] = []): Members => {
  const schemas = memberOf(body, 'schemas');
  const isNamed = (name: unknown) =>
    typeof name === 'string' && name.toLowerCase() === schema.id.toLowerCase();
  if (schemas !== undefined && !(Array.isArray(schemas) && schemas.some(isNamed))) {
    throw invalid('invalidValue', `schemas must name ${schema.id}.`);
  }
  const resource = readAttributes(schema.attributes, body);
  for (const extension of extensions) {
    const given = memberOf(body, extension.id);
    if (given === undefined || given === null) continue;
    if (typeof given !== 'object' || Array.isArray(given))
      throw invalid('invalidValue', `${extension.id} must be an object.`);
    const read = readAttributes(extension.attributes, given as Members, `${extension.id}:`);
    if (Object.keys(read).length > 0) resource[extension.id] = read;
  }
  return resource;
};

const externalIdAttribute = [
  {
    name: 'externalId',
    type: 'string',
    caseExact: true,
    maxLength: 256,
    description: 'Id of the resource at the client.',
  },
] as const;

/** The client's own id of a resource (RFC 7643 §3.1). */
export const readExternalId = (body: Members): string | null =>
  (readAttributes(externalIdAttribute, body).externalId as string | undefined) ?? null;
