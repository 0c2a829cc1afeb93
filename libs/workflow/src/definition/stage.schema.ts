import { quorumSchema } from './quorum.schema';
import { cel, duration, payloadPath, wordOrObject } from './schema-words';
import { sourceList } from './source.schema';

const key = { $ref: '#/$defs/key' };

/** JSON Schema of a single stage. */
export const stageSchema = {
  type: 'object',
  required: ['key', 'approvers'],
  additionalProperties: false,
  properties: {
    key: { ...key, description: 'Its name in conditions, events and answers; unique in the workflow.' },
    title: { $ref: '#/$defs/title', description: 'What people read; the key when left out.' },
    when: cel('The stage is skipped unless this is true; absent means always.'),
    approvers: sourceList('Who is asked; sources are joined without duplicates.'),
    order: {
      enum: ['parallel', 'sequential'],
      default: 'parallel',
      description: 'Everybody at once, or one after another in the order of the list.',
    },
    quorum: quorumSchema,
    reject: {
      description:
        'When rejections end the stage: at the first one, at so many, or once the quorum cannot be met any more.',
      default: 'any',
      ...wordOrObject(['any', 'unreachable'], {
        type: 'object',
        required: ['rejections'],
        additionalProperties: false,
        properties: {
          rejections: { type: 'integer', minimum: 1, maximum: 1000, description: 'How many end the stage.' },
        },
      }),
    },
    selfApproval: {
      enum: ['forbid', 'reroute', 'allow'],
      default: 'forbid',
      description: 'A requester who would be asked is left out, replaced by their manager, or asked.',
    },
    distinctFrom: {
      description: 'Stages of earlier steps whose deciders may not decide here (four eyes).',
      type: 'array',
      maxItems: 100,
      uniqueItems: true,
      items: key,
    },
    onNoApprovers: {
      description: 'What happens when nobody is left to ask.',
      default: 'fail',
      ...wordOrObject(['fail', 'skip', 'approve'], {
        type: 'object',
        required: ['fallback'],
        additionalProperties: false,
        properties: { fallback: sourceList('Who is asked instead.') },
      }),
    },
    onReject: {
      enum: ['reject', 'return'],
      default: 'reject',
      description: 'A rejection rejects the request, or returns it to the requester.',
    },
    sla: {
      description:
        'When the stage and its tasks are due: a duration, or a field that holds one, or the time itself.',
      if: { type: 'object' },
      then: {
        type: 'object',
        required: ['field'],
        additionalProperties: false,
        properties: { field: { ...payloadPath, description: 'Holds a duration, or a time of RFC 3339.' } },
      },
      else: {
        ...duration("From the stage's start.", 'PT24H'),
        'x-expected': 'Must be an ISO 8601 duration such as PT24H, or {field: payload.…}.',
      },
    },
    remind: {
      description: 'Reminders of open tasks.',
      type: 'object',
      required: ['after'],
      additionalProperties: false,
      properties: {
        after: duration("The first one, from the task's start.", 'PT24H'),
        every: duration('Further ones.', 'PT24H'),
        max: {
          type: 'integer',
          minimum: 1,
          maximum: 100,
          description: 'How many at most; by default 1 without every, and 100 with it.',
        },
      },
    },
    escalate: {
      description: 'Whom to ask as well, or instead, when the stage takes too long.',
      type: 'array',
      maxItems: 10,
      items: {
        type: 'object',
        required: ['after', 'to'],
        additionalProperties: false,
        properties: {
          after: duration("From the stage's start.", 'P2D'),
          to: sourceList('Any sources but a webhook; managers may be those of the assignee.'),
          mode: {
            enum: ['add', 'replace'],
            default: 'add',
            description:
              'add asks them as well and does not raise the quorum; replace withdraws the open tasks.',
          },
        },
      },
    },
    expire: {
      description: 'Ends the stage when it takes too long.',
      type: 'object',
      required: ['after'],
      additionalProperties: false,
      properties: {
        after: duration("From the stage's start.", 'P7D'),
        outcome: {
          enum: ['reject', 'approve', 'cancel', 'expire'],
          default: 'reject',
          description: 'What becomes of the stage, and with it of the request.',
        },
      },
    },
    comment: {
      enum: ['optional', 'required', 'required-on-reject'],
      default: 'optional',
      description: 'Whether a decision needs a comment.',
    },
    notify: { ...sourceList('Extra people to inform. Any sources but a webhook.'), minItems: 0 },
    calendar: { $ref: '#/$defs/calendarName', description: 'Overrides the calendar of the workflow.' },
    reads: {
      description:
        'Paths below payload that people look at when they decide here: a change of one dismisses approvals.',
      type: 'array',
      maxItems: 100,
      uniqueItems: true,
      items: payloadPath,
    },
  },
};
