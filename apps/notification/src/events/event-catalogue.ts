import {
  auditEventTypes,
  endpointEventTypes,
  eventTypes,
  type EventType,
  type OperationalEventType,
} from '@countersign/contracts';
import { exampleTransition } from './example-transition';
import { exampleAuditData, exampleOperation, exampleSubject } from './example-operation';
import { auditEventSchema, endpointEventSchema, eventSchema } from './event-schema';
import { operationalBody, operationalData } from './operational-event';
import { StandardBodies } from './standard-body';

const descriptions: Record<EventType, string> = {
  'request.created': 'A request was posted, as a draft or not.',
  'request.submitted': 'A request was handed in; routing looks for the first stage that applies.',
  'request.stage_started': 'A stage has its approvers and waits for them.',
  'request.stage_approved':
    'A stage was approved and another one follows. Not sent for the last stage: that is request.approved.',
  'request.revised': 'What a pending request asks for was changed: its payload, title or reason.',
  'request.returned': 'An approver gave the request back to the requester.',
  'request.approved': 'The last stage that applies was approved.',
  'request.rejected': 'The request was rejected.',
  'request.canceled': 'The request was canceled.',
  'request.expired': 'The request was not decided in time.',
  'request.failed': 'The request could not be routed; `failure` says why.',
  'request.completed': 'Everything that the workflow does after the approval is done.',
  'request.overridden': 'The request was decided by an emergency override.',
  'task.assigned': 'Somebody was asked to decide.',
  'task.reminded': 'An approver was reminded of an open task.',
  'task.overdue': 'A task is past its due date; nothing else happens by this.',
  'task.escalated': 'A task was not decided in time and somebody else was asked.',
  'task.reassigned': 'A task went to somebody else.',
  'task.decided': 'An approver has decided.',
  'task.dismissed': 'An approval no longer counts, because the request was changed.',
  'task.expired': 'A task was closed because its time was over.',
};

const operationalDescriptions: Record<OperationalEventType, string> = {
  'endpoint.failing': 'Three attempts in a row have failed at a webhook endpoint.',
  'endpoint.recovered': 'A webhook endpoint that was failing has taken a delivery.',
  'endpoint.disabled':
    'A webhook endpoint gets no more events: every attempt has failed for five days, or it has answered 410 Gone.',
  'delivery.exhausted': 'A delivery has become a dead letter: its last attempt has failed.',
  'audit.tampered':
    'The self-check has found that the audit log was changed other than by being appended to.',
};

export interface EventTypeEntry {
  type: EventType | OperationalEventType;
  description: string;
  schema: Record<string, unknown>;
  /** Rendered by the code that renders the real ones. */
  example: unknown;
}

/** Every event type there is, for `GET /v1/event-types`. */
export const eventCatalogue = (): EventTypeEntry[] => [
  ...eventTypes.map((type) => {
    const { request, payload, event } = exampleTransition(type);
    const body = new StandardBodies(request, payload, 'https://countersign.example.com').of(event);
    return entry(type, descriptions[type], eventSchema(type), body);
  }),
  ...endpointEventTypes.map((type) => {
    const { at, operation } = exampleOperation(type);
    const body = operationalBody(type, at, operationalData(exampleSubject, operation));
    return entry(type, operationalDescriptions[type], endpointEventSchema(type), body);
  }),
  ...auditEventTypes.map((type) => {
    const body = operationalBody(type, '2026-11-21T09:00:00.000Z', exampleAuditData[type]);
    return entry(type, operationalDescriptions[type], auditEventSchema(type), body);
  }),
];

const entry = (
  type: EventTypeEntry['type'],
  description: string,
  schema: Record<string, unknown>,
  body: string,
): EventTypeEntry => ({ type, description, schema, example: JSON.parse(body) as unknown });
