import { eventTypes, type EventType } from '@countersign/contracts';
import { exampleTransition } from './example-transition';
import { eventSchema } from './event-schema';
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

export interface EventTypeEntry {
  type: EventType;
  description: string;
  schema: Record<string, unknown>;
  /** Rendered by the code that renders the real ones. */
  example: unknown;
}

/** Every event type there is, for `GET /v1/event-types`. */
export const eventCatalogue = (): EventTypeEntry[] =>
  eventTypes.map((type) => {
    const { request, payload, event } = exampleTransition(type);
    const example: unknown = JSON.parse(
      new StandardBodies(request, payload, 'https://countersign.example.com').of(event),
    );
    return { type, description: descriptions[type], schema: eventSchema(type), example };
  });
