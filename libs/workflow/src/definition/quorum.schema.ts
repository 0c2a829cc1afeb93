import { ref, refOrField, wordOrObject } from './schema-words';

const approvals = { type: 'integer', minimum: 1, maximum: 1000, description: 'How many approvals it takes.' };

/** JSON Schema of how many approvals a stage takes. */
export const quorumSchema = {
  description:
    'How many approvals it takes: any (one), all, majority (more than half), a number, a percentage (rounded up), or so many of each of several groups of people.',
  default: 'any',
  ...wordOrObject(['any', 'all', 'majority'], {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    additionalProperties: false,
    properties: {
      approvals,
      percent: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 100,
        description: 'Of those asked, rounded up.',
      },
      each: {
        description: 'Every part must be met. An approval counts for every part that its person belongs to.',
        type: 'array',
        minItems: 1,
        maxItems: 20,
        items: {
          type: 'object',
          required: ['approvals'],
          additionalProperties: false,
          properties: {
            approvals,
            user: { ...refOrField, description: 'By this user.' },
            group: { ...refOrField, description: 'By members of this group.' },
            role: { ...ref, description: 'By people with this role.' },
          },
          allOf: [
            {
              minProperties: 2,
              maxProperties: 2,
              'x-expected': 'Must have approvals and exactly one of user, group and role.',
            },
          ],
        },
      },
    },
  }),
};
