import { requestStates, stageStates } from '@countersign/contracts';
import { resolutionEvidenceSchema } from '@countersign/workflow';

/* JSON Schema of the answers, for the OpenAPI document. */

const text = { type: 'string' };

const object = (properties: Record<string, unknown>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

/** What a simulation asks the directory for. */
const purposes = ['start', 'fallback'];

export const simulationSchema = object({
  state: { type: 'string', enum: requestStates },
  stages: {
    type: 'array',
    items: object({
      key: text,
      state: { type: 'string', enum: stageStates },
      explanation: text,
      approvers: {
        type: 'array',
        items: object({ id: { type: 'string', format: 'uuid' }, userName: text, why: text }),
      },
      evidence: {
        type: 'array',
        description: 'What each answer of the directory rests on, in their order.',
        items: {
          ...resolutionEvidenceSchema,
          required: ['purpose', ...resolutionEvidenceSchema.required],
          properties: { purpose: { type: 'string', enum: purposes }, ...resolutionEvidenceSchema.properties },
        },
      },
    }),
  },
});

export const replaySchema = {
  type: 'object',
  required: ['examined', 'changed'],
  properties: {
    examined: { type: 'integer', minimum: 0 },
    changed: {
      type: 'array',
      items: object({
        requestId: { type: 'string', format: 'uuid' },
        differences: { type: 'array', items: text },
      }),
    },
    truncated: { type: 'boolean' },
  },
};
