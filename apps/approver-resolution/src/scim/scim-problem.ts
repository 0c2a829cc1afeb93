import { Problem } from '@countersign/service-kit';

/** A refusal with a `scimType` of RFC 7644 §3.12, table 9. */
export const invalid = (
  scimType: 'invalidFilter' | 'invalidSyntax' | 'invalidValue',
  detail: string,
): Problem => new Problem('validation_failed', detail, { scimType });

export const notUnique = (detail: string): Problem =>
  new Problem('uniqueness', detail, { scimType: 'uniqueness' });

export const notImplemented = (what: string): Problem =>
  new Problem('not_implemented', `${what} is not supported; see /scim/v2/ServiceProviderConfig.`);
