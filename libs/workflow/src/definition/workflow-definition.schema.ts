import { calendarSchema } from './calendar.schema';
import { sourceSchema } from './source.schema';
import { stageSchema } from './stage.schema';

/** The most stages that one workflow may have, however they are grouped. */
export const MAX_STAGES = 500;
const MAX_CALENDARS = 50;

/** JSON Schema (2020-12) of a workflow definition, for validation and for editors. */
export const workflowDefinitionSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Countersign workflow definition',
  type: 'object',
  required: ['key', 'stages'],
  additionalProperties: false,
  properties: {
    key: { $ref: '#/$defs/key', description: 'The key that requests name the workflow by.' },
    title: { $ref: '#/$defs/title', description: 'What people read; the key when left out.' },
    subject: {
      type: ['object', 'boolean'],
      description: 'JSON Schema (2020-12) of the payload.',
    },
    reasonCodes: {
      description: 'The codes that a decision may give. When present, no other code is accepted.',
      type: 'object',
      additionalProperties: false,
      properties: {
        approve: { $ref: '#/$defs/codes', description: 'For approvals.' },
        reject: { $ref: '#/$defs/codes', description: 'For rejections.' },
        return: { $ref: '#/$defs/codes', description: 'For returning a request to its requester.' },
      },
    },
    onNoStage: {
      enum: ['fail', 'approve'],
      default: 'fail',
      description: 'What happens when no stage applies.',
    },
    onChange: {
      enum: ['material', 'all', 'none'],
      default: 'material',
      description:
        'Which approvals a change of the payload dismisses: those of stages that look at what changed, all, or none.',
    },
    maxRevisions: {
      type: 'integer',
      minimum: 1,
      maximum: 10_000,
      default: 100,
      description: 'How often a payload may be given, the first time included.',
    },
    calendar: {
      $ref: '#/$defs/calendarName',
      description: 'The calendar that the durations of all stages count on; none: round the clock.',
    },
    calendars: {
      description: 'Calendars by name.',
      type: 'object',
      maxProperties: MAX_CALENDARS,
      propertyNames: { $ref: '#/$defs/calendarName' },
      additionalProperties: { $ref: '#/$defs/calendar' },
    },
    stages: {
      description: 'The steps, in order. A step is a stage, or several that run side by side.',
      type: 'array',
      minItems: 1,
      maxItems: MAX_STAGES,
      items: { $ref: '#/$defs/step' },
    },
  },
  $defs: {
    key: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$',
      'x-expected': 'Must be 1 to 100 letters, digits, "-" or "_", starting with a letter or a digit.',
    },
    calendarName: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$',
      'x-expected':
        'The name of a calendar must be 1 to 100 letters, digits, "-" or "_", starting with a letter or a digit.',
    },
    title: { type: 'string', minLength: 1, maxLength: 200 },
    codes: {
      type: 'array',
      maxItems: 200,
      uniqueItems: true,
      items: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
    },
    step: {
      if: { type: 'object', required: ['parallel'] },
      then: {
        type: 'object',
        additionalProperties: false,
        properties: {
          parallel: {
            description: 'Stages that run side by side.',
            type: 'array',
            minItems: 1,
            maxItems: MAX_STAGES,
            items: { $ref: '#/$defs/stage' },
          },
        },
      },
      else: { $ref: '#/$defs/stage' },
    },
    stage: stageSchema,
    source: sourceSchema,
    calendar: calendarSchema,
  },
};
