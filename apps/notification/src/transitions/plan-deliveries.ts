import {
  isEventType,
  matchesEvent,
  type RequestSnapshot,
  type RequestTransitioned,
  type TransitionEvent,
} from '@countersign/contracts';
import { v7 } from 'uuid';
import type { EndpointFormat, Ordering } from '../endpoints/endpoint';
import { easylifeBody, isEasylifeEvent } from '../events/easylife-body';
import { StandardBodies } from '../events/standard-body';

/** Of an endpoint, what decides which events it gets. */
export interface Subscription {
  id: string;
  workspaceId: string;
  events: string[];
  format: EndpointFormat;
  workflows: string[] | null;
  ordering: Ordering;
  isEnabled: boolean;
  /** Its circuit is open: what is planned is held, and costs nothing until it answers again. */
  isOpen: boolean;
}

export interface PlannedEvent {
  id: string;
  workspaceId: string;
  requestId: string;
  type: string;
  at: string;
  /** The bytes to send, for each format that somebody wants. */
  standard: string | null;
  easylife: string | null;
}

export interface PlannedDelivery {
  id: string;
  workspaceId: string;
  endpointId: string;
  eventId: string;
  format: EndpointFormat;
  requestId: string;
  /** Among the events of the request, for an endpoint that wants them in order. */
  place: number | null;
  /** A disabled endpoint's deliveries are skipped, and can be replayed. */
  state: 'pending' | 'skipped';
  isHeld: boolean;
}

/** More events than this no transition has. */
const placesPerVersion = 2 ** 20;

const wants = (subscription: Subscription, request: RequestSnapshot, event: TransitionEvent): boolean =>
  matchesEvent(subscription.events, event.type) &&
  (subscription.workflows === null || subscription.workflows.includes(request.workflow.key)) &&
  (subscription.format === 'standard' || isEasylifeEvent(event.type));

/** Which events of a transition are kept and to whom they go. An event that nobody wants is not kept. */
export const planDeliveries = (
  { request, events }: Pick<RequestTransitioned, 'request' | 'events'>,
  payload: unknown,
  subscriptions: readonly Subscription[],
  publicUrl: string,
): { events: PlannedEvent[]; deliveries: PlannedDelivery[] } => {
  const planned: { events: PlannedEvent[]; deliveries: PlannedDelivery[] } = { events: [], deliveries: [] };
  const { workspaceId } = request;
  let bodies: StandardBodies | undefined;
  for (const [index, event] of events.entries()) {
    if (!isEventType(event.type)) continue;
    const takers = subscriptions.filter(
      (one) => one.workspaceId === workspaceId && wants(one, request, event),
    );
    if (takers.length === 0) continue;
    const formats = new Set(takers.map(({ format }) => format));
    planned.events.push({
      id: event.id,
      workspaceId,
      requestId: request.id,
      type: event.type,
      at: event.at,
      standard: formats.has('standard')
        ? (bodies ??= new StandardBodies(request, payload, publicUrl)).of(event)
        : null,
      easylife: formats.has('easylife') ? easylifeBody(request) : null,
    });
    for (const { id: endpointId, format, ordering, isEnabled, isOpen } of takers) {
      planned.deliveries.push({
        id: v7(),
        workspaceId,
        endpointId,
        eventId: event.id,
        format,
        requestId: request.id,
        place: ordering === 'per-request' ? request.version * placesPerVersion + index : null,
        state: isEnabled ? 'pending' : 'skipped',
        isHeld: isEnabled && isOpen,
      });
    }
  }
  return planned;
};
