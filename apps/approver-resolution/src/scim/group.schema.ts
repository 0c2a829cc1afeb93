import type { Schema } from './attribute';
import { keyLength } from './user.schema';

export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** RFC 7643 §4.2; members are users and other groups. */
export const groupSchema: Schema = {
  id: groupUrn,
  name: 'Group',
  description: 'A group of people',
  attributes: [
    {
      name: 'displayName',
      type: 'string',
      required: true,
      maxLength: keyLength,
      description: 'Name of the group.',
    },
    {
      name: 'members',
      type: 'complex',
      multiValued: true,
      maxItems: 100_000,
      description:
        'The people and groups in the group: users by id, externalId or userName, groups by id, externalId or, with type Group, displayName.',
      subAttributes: [
        {
          name: 'value',
          type: 'string',
          maxLength: keyLength,
          mutability: 'immutable',
          description: 'Id of the member.',
        },
        { name: 'display', type: 'string', mutability: 'readOnly', description: 'Name of the member.' },
        {
          name: '$ref',
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'readOnly',
          description: 'Address of the member.',
        },
        { name: 'type', type: 'string', mutability: 'immutable', description: 'User or Group.' },
      ],
    },
  ],
};
