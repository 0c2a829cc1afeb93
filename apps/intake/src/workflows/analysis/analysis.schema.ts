import { findingCodes } from '@countersign/workflow';

const text = { type: 'string' };
const pointer = { type: 'string', description: 'RFC 6901, from the root of the definition' };
const sentence = { type: 'string', description: 'A plain sentence' };

const findings = {
  type: 'array',
  items: {
    type: 'object',
    required: ['pointer', 'code', 'message'],
    properties: { pointer, code: { type: 'string', examples: findingCodes }, message: sentence },
  },
};

export const lintSchema = {
  type: 'object',
  required: ['errors', 'warnings'],
  properties: {
    errors: {
      ...findings,
      description: 'What makes it no definition, keeps it from being published, or can never be meant',
    },
    warnings: { ...findings, description: 'What is worth a second look' },
  },
};

export const diffSchema = {
  type: 'object',
  required: ['key', 'from', 'to', 'differences'],
  properties: {
    key: text,
    from: { type: 'integer' },
    to: { type: 'integer' },
    differences: {
      type: 'array',
      description: 'Empty when both behave alike',
      items: {
        type: 'object',
        required: ['pointer', 'stage', 'message'],
        properties: {
          pointer: {
            type: 'string',
            description: 'In the newer definition; in the older one of what is gone',
          },
          stage: { type: ['string', 'null'], description: 'Key of the stage that differs' },
          message: sentence,
        },
      },
    },
  },
};
