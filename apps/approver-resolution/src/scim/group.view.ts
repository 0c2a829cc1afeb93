import { groupUrn } from './group.schema';
import type { GroupRow } from './group.store';
import type { Projection } from './list-query';
import { project } from './project-attributes';
import { weakTag } from './scim-answer';
import { userLocation } from './user.view';

export const groupLocation = (publicUrl: string, id: string): string => `${publicUrl}/scim/v2/Groups/${id}`;

/** A group as SCIM shows it. */
const groupView = (row: GroupRow, publicUrl: string): Record<string, unknown> => ({
  schemas: [groupUrn],
  id: row.id,
  ...(row.external_id === null ? {} : { externalId: row.external_id }),
  displayName: row.display_name,
  members: row.members.map((member) => ({
    ...member,
    $ref: (member.type === 'User' ? userLocation : groupLocation)(publicUrl, member.value),
  })),
  meta: {
    resourceType: 'Group',
    created: row.created_at.toISOString(),
    lastModified: row.changed_at.toISOString(),
    location: groupLocation(publicUrl, row.id),
    version: weakTag(row.version),
  },
});

export const projectedGroup = (
  row: GroupRow,
  publicUrl: string,
  projection: Projection,
): Record<string, unknown> => project(groupView(row, publicUrl), projection, groupUrn, []);
