import { Problem } from '@countersign/service-kit';

/** Refusals of RFC 7644 §3.12, table 9, that are a 400. */
export type ScimType =
  'invalidFilter' | 'invalidPath' | 'invalidSyntax' | 'invalidValue' | 'mutability' | 'noTarget' | 'tooMany';

export const invalid = (scimType: ScimType, detail: string): Problem =>
  new Problem('validation_failed', detail, { scimType });

export const notUnique = (detail: string): Problem =>
  new Problem('uniqueness', detail, { scimType: 'uniqueness' });

/** A conflict that is none of uniqueness (RFC 7644 §3.7.1 and §3.12: 409). */
export const conflict = (detail: string): Problem => new Problem('uniqueness', detail);

export const notImplemented = (what: string): Problem =>
  new Problem('not_implemented', `${what} is not supported; see /scim/v2/ServiceProviderConfig.`);
