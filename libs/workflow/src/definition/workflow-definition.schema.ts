/** The most stages that one workflow may have. */
export const MAX_STAGES = 500;
const MAX_SOURCES = 100;

const ref = { type: 'string', minLength: 1, maxLength: 256 };
const payloadPath = {
  type: 'string',
  maxLength: 256,
  pattern: '^payload(\\.[A-Za-z_][A-Za-z0-9_-]*)+$',
  'x-expected': 'Must be a path below payload, such as payload.approverGroup.',
};
const refOrField = {
  if: { type: 'object' },
  then: {
    type: 'object',
    required: ['field'],
    additionalProperties: false,
    properties: { field: payloadPath },
  },
  else: { ...ref, 'x-expected': 'Must be a ref (a text of 1 to 256 characters) or {field: payload.…}.' },
};
const sources = { type: 'array', minItems: 1, maxItems: MAX_SOURCES, items: { $ref: '#/$defs/source' } };

/** Turns `schema` into "one of these words, or an object like this", with an error for the branch the author meant. */
function wordOrObject(words: string[], object: Record<string, unknown>) {
  return { if: { type: 'object' }, then: object, else: { enum: words } };
}

/** JSON Schema (2020-12) of a workflow definition, for validation and for editors. */
export const workflowDefinitionSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Countersign workflow definition',
  type: 'object',
  required: ['key', 'stages'],
  additionalProperties: false,
  properties: {
    key: { $ref: '#/$defs/key', description: 'The key that requests name the workflow by.' },
    title: { $ref: '#/$defs/title' },
    subject: {
      type: ['object', 'boolean'],
      description: 'JSON Schema (2020-12) of the payload.',
    },
    reasonCodes: {
      description: 'The codes that a decision may give. When present, no other code is accepted.',
      type: 'object',
      additionalProperties: false,
      properties: {
        approve: { $ref: '#/$defs/codes' },
        reject: { $ref: '#/$defs/codes' },
        return: { $ref: '#/$defs/codes' },
      },
    },
    onNoStage: {
      enum: ['fail', 'approve'],
      default: 'fail',
      description: 'What happens when no stage applies.',
    },
    stages: { type: 'array', minItems: 1, maxItems: MAX_STAGES, items: { $ref: '#/$defs/stage' } },
  },
  $defs: {
    key: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$',
      'x-expected': 'Must be 1 to 100 letters, digits, "-" or "_", starting with a letter or a digit.',
    },
    title: { type: 'string', minLength: 1, maxLength: 200 },
    codes: {
      type: 'array',
      maxItems: 200,
      uniqueItems: true,
      items: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
    },
    stage: {
      type: 'object',
      required: ['key', 'approvers'],
      additionalProperties: false,
      properties: {
        key: { $ref: '#/$defs/key' },
        title: { $ref: '#/$defs/title' },
        when: { type: 'string', minLength: 1, maxLength: 2000, description: 'CEL; absent means always.' },
        approvers: sources,
        order: { enum: ['parallel'], default: 'parallel' },
        quorum: {
          default: 'any',
          ...wordOrObject(['any', 'all', 'majority'], {
            type: 'object',
            minProperties: 1,
            maxProperties: 1,
            additionalProperties: false,
            properties: {
              approvals: { type: 'integer', minimum: 1, maximum: 1000 },
              percent: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
            },
          }),
        },
        reject: { enum: ['any'], default: 'any' },
        selfApproval: { enum: ['forbid', 'allow'], default: 'forbid' },
        onNoApprovers: {
          default: 'fail',
          ...wordOrObject(['fail', 'skip', 'approve'], {
            type: 'object',
            required: ['fallback'],
            additionalProperties: false,
            properties: { fallback: sources },
          }),
        },
        onReject: { enum: ['reject'], default: 'reject' },
        comment: { enum: ['optional', 'required', 'required-on-reject'], default: 'optional' },
      },
    },
    source: {
      type: 'object',
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: false,
      properties: {
        user: refOrField,
        group: refOrField,
        field: payloadPath,
        manager: {
          type: 'object',
          additionalProperties: false,
          properties: {
            of: { enum: ['requester'], default: 'requester' },
            levels: { type: 'integer', minimum: 1, maximum: 20, default: 1 },
          },
        },
        webhook: {
          type: 'object',
          required: ['url'],
          additionalProperties: false,
          properties: {
            url: {
              type: 'string',
              minLength: 1,
              maxLength: 2048,
              description: 'http or https, no credentials.',
            },
            format: { enum: ['easylife'], default: 'easylife' },
            timeout: {
              type: 'string',
              maxLength: 32,
              default: 'PT10S',
              description: 'ISO 8601, at most PT60S.',
            },
          },
        },
      },
    },
  },
} as const;
