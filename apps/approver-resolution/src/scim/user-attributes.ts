import type { Attributes } from '../directory/directory-change';
import { countersignUrn, enterpriseUrn } from './user.schema';

/** What a user is, as the log says it: whoever does not say so is active, and the manager is an id. */
export const attributesOf = (
  resource: Readonly<Record<string, unknown>>,
  externalId: string | null,
  managerId: string | null,
): Attributes => {
  const { [enterpriseUrn]: enterprise, [countersignUrn]: countersign, ...core } = resource;
  return {
    ...core,
    active: core.active ?? true,
    ...(enterprise as object | undefined),
    ...(countersign as object | undefined),
    ...(externalId === null ? {} : { externalId }),
    ...(managerId === null ? {} : { manager: managerId }),
  };
};
