import type { Projection } from './list-query';
import { project } from './project-attributes';
import { countersignUrn, enterpriseUrn, userExtensions, userUrn } from './user.schema';
import type { UserRow } from './user.store';
import { weakTag } from './scim-answer';

export const userLocation = (publicUrl: string, id: string): string => `${publicUrl}/scim/v2/Users/${id}`;

/** A user as SCIM shows it. */
const userView = (row: UserRow, publicUrl: string): Record<string, unknown> => {
  const { [enterpriseUrn]: stored, [countersignUrn]: countersign, ...core } = row.resource;
  const manager = row.manager_id && {
    value: row.manager_id,
    $ref: userLocation(publicUrl, row.manager_id),
    displayName: row.manager_name,
  };
  const enterprise = { ...(stored as object | undefined), ...(manager ? { manager } : {}) };
  const hasEnterprise = Object.keys(enterprise).length > 0;
  return {
    schemas: [userUrn, ...(hasEnterprise ? [enterpriseUrn] : []), ...(countersign ? [countersignUrn] : [])],
    id: row.id,
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    ...core,
    userName: row.user_name,
    displayName: row.display_name,
    active: row.active,
    groups: row.groups.map((group) => ({ ...group, $ref: `${publicUrl}/scim/v2/Groups/${group.value}` })),
    ...(hasEnterprise ? { [enterpriseUrn]: enterprise } : {}),
    ...(countersign ? { [countersignUrn]: countersign } : {}),
    meta: {
      resourceType: 'User',
      created: row.created_at.toISOString(),
      lastModified: row.changed_at.toISOString(),
      location: userLocation(publicUrl, row.id),
      version: weakTag(row.version),
    },
  };
};

const extensionUrns = userExtensions.map(({ id }) => id);

export const projectedUser = (
  row: UserRow,
  publicUrl: string,
  projection: Projection,
): Record<string, unknown> => project(userView(row, publicUrl), projection, userUrn, extensionUrns);
