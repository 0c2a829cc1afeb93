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

/** An answer without content that says which version there is now. */
export const tagged = (plain: Answer, version: string): Answer => ({
  ...plain,
  headers: { ...plain.headers, etag: weakTag(version) },
});

export const notModified = (version: string): Answer => ({
  status: 304,
  headers: { etag: weakTag(version) },
  body: null,
});

/** What a client says about the version it has seen: the header fields of RFC 9110 §13.1, or `version` in a bulk. */
export interface Preconditions {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

export const preconditionsOf = (call: Call): Preconditions => ({
  ifMatch: call.header('if-match'),
  ifNoneMatch: call.header('if-none-match'),
});

/** Whether a list of tags has that of a version. All our tags are weak, so they are compared weakly (RFC 7644 §3.14). */
const names = (header: string, version: number | string): boolean =>
  // Some clients send the backslash that JSON may have before a slash.
  header
    .split(',')
    .some((tag) => ['*', `W/"${version}"`, `"${version}"`].includes(tag.replace('\\/', '/').trim()));

/** Whether the client has this version already. */
export const isKnown = ({ ifNoneMatch }: Preconditions, version: string): boolean =>
  ifNoneMatch !== undefined && names(ifNoneMatch, version);

/** Throws Problem version_mismatch when a change is meant for another version. */
export const checkVersion =
  ({ ifMatch, ifNoneMatch }: Preconditions) =>
  (version: number): void => {
    if ((ifMatch === undefined || names(ifMatch, version)) && !(ifNoneMatch && names(ifNoneMatch, version)))
      return;
    throw new Problem('version_mismatch', `The resource is now at version ${version}.`);
  };

/** A page of resources (RFC 7644 §3.4.2). */
export const listOf = (resources: readonly unknown[], total: number, startIndex: number): unknown => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});
