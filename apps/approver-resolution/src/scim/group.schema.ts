import type { Schema } from './attribute';
import { keyLength } from './user.schema';

export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** RFC 7643 §4.2; members are users. */
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
      description: 'The people in the group, by id, externalId or userName.',
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
          referenceTypes: ['User'],
          mutability: 'readOnly',
          description: 'Address of the member.',
        },
        { name: 'type', type: 'string', mutability: 'immutable', description: 'Always User.' },
      ],
    },
  ],
};
