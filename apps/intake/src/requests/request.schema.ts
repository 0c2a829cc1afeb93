import { decisions, requestStates, stageStates, taskStates } from '@countersign/contracts';

/* JSON Schema of the objects of product §3, for the OpenAPI document. */

const uuid = { type: 'string', format: 'uuid' };
const time = { type: 'string', format: 'date-time' };
const orNull = (schema: { type: string }) => ({ ...schema, type: [schema.type, 'null'] });
const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };

const object = (properties: Record<string, unknown>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

export const personSchema = object({ id: uuid, userName: text, displayName: text });

export const taskProperties = {
  id: uuid,
  requestId: uuid,
  stageKey: text,
  state: { type: 'string', enum: taskStates },
  assignee: personSchema,
  onBehalfOf: orNull(personSchema),
  revision: count,
  dueAt: orNull(time),
  decision: { type: ['string', 'null'], enum: [...decisions, null] },
  decidedBy: orNull(personSchema),
  reasonCode: orNull(text),
  comment: orNull(text),
  decidedAt: orNull(time),
};

export const taskSchema = object({
  ...taskProperties,
  workflow: object({ key: text, version: count }),
  requestTitle: text,
  canDecide: { type: 'boolean' },
});

export const requestSchema = object({
  id: uuid,
  workspaceId: uuid,
  workflow: object({ id: uuid, key: text, version: count }),
  state: { type: 'string', enum: requestStates },
  title: text,
  reason: orNull(text),
  requester: personSchema,
  payload: {},
  externalRef: orNull(text),
  metadata: { type: 'object' },
  revision: count,
  version: count,
  stageIndex: count,
  totalStages: count,
  overridden: { type: 'boolean' },
  stages: {
    type: 'array',
    items: object({
      index: count,
      key: text,
      title: text,
      state: { type: 'string', enum: stageStates },
      quorum: object({ approvals: count, received: count, rejections: count }),
      startedAt: orNull(time),
      dueAt: orNull(time),
      endedAt: orNull(time),
      explanation: orNull(text),
      tasks: { type: 'array', items: object(taskProperties) },
    }),
  },
  failure: orNull(object({ code: text, stage: orNull(text), detail: text })),
  createdAt: time,
  submittedAt: orNull(time),
  decidedAt: orNull(time),
  completedAt: orNull(time),
});
