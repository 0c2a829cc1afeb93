import type { Answer, Call } from '@countersign/service-kit';
import { Problem } from '@countersign/service-kit';

const mediaType = 'application/scim+json; charset=utf-8';

interface Resource {
  [member: string]: unknown;
  meta?: { version?: string; location?: string };
}

const answer = (status: number, resource: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': mediaType, ...headers },
  body: JSON.stringify(resource),
});

/** Versions are weak tags (RFC 7644 §3.14). */
export const weakTag = (version: number | string): string => `W/"${version}"`;

/** `version` may have been left out of what is shown; the header has it all the same. */
export const scimOk = (resource: unknown, version?: string): Answer =>
  answer(200, resource, version === undefined ? {} : { etag: weakTag(version) });

export const scimCreated = (resource: Resource, location: string, version: string): Answer =>
  answer(201, resource, { location, etag: weakTag(version) });

export const notModified = (version: string): Answer => ({
  status: 304,
  headers: { etag: weakTag(version) },
  body: null,
});

/** Whether the client has this version already (If-None-Match, RFC 9110 §13.1.2). */
export const isKnown = (call: Call, version: string): boolean => {
  const header = call.header('if-none-match');
  if (header === undefined) return false;
  return header.split(',').some((tag) => ['*', `W/"${version}"`, `"${version}"`].includes(tag.trim()));
};

/** Throws Problem version_mismatch when If-Match names another version. */
export const checkVersion = (call: Call, version: number): void => {
  const expected = call.expectedVersion;
  if (expected !== null && expected !== version) {
    throw new Problem('version_mismatch', `The resource is now at version ${version}.`);
  }
};

/** A page of resources (RFC 7644 §3.4.2). */
export const listOf = (resources: readonly unknown[], total: number, startIndex: number): unknown => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});
