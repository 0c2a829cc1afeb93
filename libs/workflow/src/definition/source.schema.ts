import { cel, duration, payloadPath, ref, refOrField } from './schema-words';

const MAX_SOURCES = 100;
const MAX_ROWS = 500;

export function sourceList(description: string) {
  return {
    type: 'array',
    minItems: 1,
    maxItems: MAX_SOURCES,
    items: { $ref: '#/$defs/source' },
    description,
  };
}

/** JSON Schema of one source of people: exactly one member. */
export const sourceSchema = {
  description: 'Where people come from: exactly one member. Whoever is unknown or inactive is left out.',
  type: 'object',
  allOf: [
    {
      minProperties: 1,
      maxProperties: 1,
      'x-expected':
        'Must have exactly one of user, group, role, field, manager, expression, matrix and webhook.',
    },
  ],
  additionalProperties: false,
  properties: {
    user: { ...refOrField, description: 'A user: id, externalId or userName, or {field: payload.…}.' },
    group: {
      ...refOrField,
      description: 'The members of a group: id, externalId or displayName, or {field: payload.…}.',
    },
    role: { ...ref, description: 'Everyone whose SCIM roles hold this value.' },
    field: { ...payloadPath, description: 'A path below payload that holds one user ref or a list of them.' },
    manager: {
      description: 'Managers, upwards.',
      type: 'object',
      additionalProperties: false,
      properties: {
        of: {
          enum: ['requester', 'assignee'],
          default: 'requester',
          description: 'Whose managers. assignee is for escalate only.',
        },
        levels: {
          type: 'integer',
          minimum: 1,
          maximum: 20,
          default: 1,
          description: 'Everyone up to so many levels.',
        },
        untilLimit: {
          if: { type: 'number' },
          then: { minimum: 0 },
          else: {
            ...payloadPath,
            'x-expected': 'Must be a number, or a path below payload such as payload.amount.',
          },
          description:
            "Climbs until somebody's approval limit covers this number; everyone climbed is asked, and nobody when no limit does.",
        },
      },
      allOf: [
        {
          not: { required: ['levels', 'untilLimit'] },
          'x-expected': 'Must have either levels or untilLimit, not both.',
        },
      ],
    },
    expression: cel('Gives one user ref, a list of them, or null for nobody.'),
    matrix: {
      description: 'The first row whose condition holds names the people; no row, nobody.',
      type: 'array',
      minItems: 1,
      maxItems: MAX_ROWS,
      items: {
        type: 'object',
        required: ['when', 'to'],
        additionalProperties: false,
        properties: {
          when: cel('True for the requests that this row is for.'),
          to: sourceList('Any sources but another matrix.'),
        },
      },
    },
    webhook: {
      description: 'Asks another system who approves.',
      type: 'object',
      required: ['url'],
      additionalProperties: false,
      properties: {
        url: { type: 'string', minLength: 1, maxLength: 2048, description: 'http or https, no credentials.' },
        format: {
          enum: ['easylife', 'countersign'],
          default: 'easylife',
          description: 'What is sent and what is expected back.',
        },
        timeout: { ...duration('Of one attempt, at most 60 seconds.', 'PT10S'), default: 'PT10S' },
      },
    },
  },
};
