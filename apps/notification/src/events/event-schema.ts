import {
  decisions,
  requestStates,
  stageStates,
  taskStates,
  type EventType,
  type AuditEventType,
  type EndpointEventType,
  type OperationalEventType,
} from '@countersign/contracts';

type Schema = Record<string, unknown>;

const text: Schema = { type: 'string' };
const textOrNull: Schema = { type: ['string', 'null'] };
const id: Schema = { type: 'string', format: 'uuid' };
const time: Schema = { type: 'string', format: 'date-time' };
const timeOrNull: Schema = { type: ['string', 'null'], format: 'date-time' };
const count: Schema = { type: 'integer', minimum: 0 };
const oneOf = (values: readonly string[]): Schema => ({ type: 'string', enum: [...values] });
const orNull = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });

/** All members are always there; more may come (`/v1` only grows), so unknown ones are not forbidden. */
const object = (properties: Record<string, Schema>): Schema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

const person = object({ id, userName: text, displayName: text });

const task = object({
  id,
  requestId: id,
  stageKey: text,
  state: oneOf(taskStates),
  assignee: person,
  onBehalfOf: orNull(person),
  revision: count,
  dueAt: timeOrNull,
  decision: { enum: [...decisions, null] },
  decidedBy: orNull(person),
  reasonCode: textOrNull,
  comment: textOrNull,
  decidedAt: timeOrNull,
});

const stage = object({
  index: count,
  key: text,
  title: text,
  state: oneOf(stageStates),
  quorum: object({ approvals: count, received: count, rejections: count }),
  startedAt: timeOrNull,
  dueAt: timeOrNull,
  endedAt: timeOrNull,
  explanation: textOrNull,
  tasks: { type: 'array', items: task },
});

const requestMembers = {
  id,
  workspaceId: id,
  workflow: object({ id, key: text, version: count }),
  state: oneOf(requestStates),
  title: text,
  reason: textOrNull,
  requester: person,
  payload: { description: 'Whatever the workflow has as its subject.' },
  externalRef: textOrNull,
  metadata: { type: 'object' },
  revision: count,
  version: count,
  stageIndex: count,
  totalStages: count,
  overridden: { type: 'boolean' },
  stages: { type: 'array', items: stage },
  failure: orNull(object({ code: text, stage: textOrNull, detail: text })),
  createdAt: time,
  submittedAt: timeOrNull,
  decidedAt: timeOrNull,
  completedAt: timeOrNull,
};

/** Of a body that would be too long without: the largest members of the request, which `omitted` then names. */
const mayBeOmitted = ['payload', 'stages', 'metadata', 'reason'];

const request: Schema = {
  ...object(requestMembers),
  required: Object.keys(requestMembers).filter((name) => !mayBeOmitted.includes(name)),
};

const whole: Schema = { properties: { request: { required: mayBeOmitted } } };
const shortened: Schema = { required: ['omitted', 'url'] };

const actor = object({ type: oneOf(['user', 'service', 'system']), id: textOrNull, via: textOrNull });

/** JSON Schema (2020-12) of the `standard` body of an event type. */
export const eventSchema = (type: EventType): Schema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: type,
  ...object({
    type: { const: type },
    timestamp: time,
    data: withOmissions(
      object({ workspaceId: id, request, ...(type.startsWith('task.') ? { task } : {}), actor }),
    ),
  }),
});

const withOmissions = (data: Schema): Schema => ({
  ...data,
  properties: {
    ...(data.properties as Record<string, Schema>),
    omitted: {
      type: 'array',
      items: oneOf(mayBeOmitted.map((name) => `request.${name}`)),
      description: 'What is left out of a body that would be longer than 512 KiB.',
    },
    url: {
      type: 'string',
      format: 'uri',
      description: 'Where the whole request can be read; with `omitted`.',
    },
  },
  anyOf: [whole, shortened],
});

const endpoint = object({
  id,
  url: { ...text, description: 'Its origin: scheme, host and port.' },
  description: textOrNull,
});

const operationalMembers: Record<EndpointEventType, Record<string, Schema>> = {
  'endpoint.failing': { failingSince: time },
  'endpoint.recovered': { failingSince: time },
  'endpoint.disabled': { reason: text, failingSince: timeOrNull },
  'delivery.exhausted': {
    delivery: object({
      id,
      eventId: id,
      eventType: text,
      requestId: id,
      attempts: count,
      lastStatus: { type: ['integer', 'null'] },
      lastError: textOrNull,
    }),
  },
};

const operationalSchema = (type: OperationalEventType, members: Record<string, Schema>): Schema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: type,
  ...object({ type: { const: type }, timestamp: time, data: object({ workspaceId: id, ...members, actor }) }),
});

/** The same of an event that is about endpoints and deliveries themselves. */
export const endpointEventSchema = (type: EndpointEventType): Schema =>
  operationalSchema(type, { endpoint, ...operationalMembers[type] });

const auditMembers: Record<AuditEventType, Record<string, Schema>> = {
  'audit.tampered': {
    count: { ...count, description: 'Places that were newly found; at most 100 are listed.' },
    findings: { type: 'array', items: object({ id, kind: text, index: count, detail: text }) },
  },
};

/** The same of an event that is about the audit log. */
export const auditEventSchema = (type: AuditEventType): Schema => operationalSchema(type, auditMembers[type]);
