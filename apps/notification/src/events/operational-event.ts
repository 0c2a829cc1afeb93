import { bySystem, type EndpointEventType, type OperationalEventType } from '@countersign/contracts';

/** Of an endpoint, what is said about it. */
export interface EndpointSubject {
  id: string;
  workspaceId: string;
  url: string;
  description: string | null;
  workflows: string[] | null;
  ownerId: string | null;
}

export interface ExhaustedDelivery {
  id: string;
  eventId: string;
  eventType: string;
  requestId: string | null;
  /** Since its creation or its last replay. */
  attempts: number;
  lastStatus: number | null;
  lastError: string | null;
}

/** Something that happened to an endpoint or a delivery. */
export type Operation =
  | { type: 'endpoint.failing'; failingSince: string }
  | { type: 'endpoint.recovered'; failingSince: string }
  | { type: 'endpoint.disabled'; reason: string; failingSince: string | null }
  | { type: 'delivery.exhausted'; delivery: ExhaustedDelivery };

/** Holds that there is one for every type. */
export type Happening = {
  [T in EndpointEventType]: Extract<Operation, { type: T }>;
}[EndpointEventType];

/** What subscribers are sent as `data`. */
export const operationalData = (
  { workspaceId, id, url, description }: EndpointSubject,
  operation: Happening,
): Record<string, unknown> => {
  // The rest of an address may be a secret of its receiver, and this is for others.
  const endpoint = { id, url: new URL(url).origin, description };
  switch (operation.type) {
    case 'endpoint.failing':
    case 'endpoint.recovered':
      return { workspaceId, endpoint, failingSince: operation.failingSince, actor: bySystem };
    case 'endpoint.disabled':
      return {
        workspaceId,
        endpoint,
        reason: operation.reason,
        failingSince: operation.failingSince,
        actor: bySystem,
      };
    case 'delivery.exhausted':
      return { workspaceId, endpoint, delivery: operation.delivery, actor: bySystem };
  }
};

/** The same for the trail: ids, times and numbers only. */
export const operationalContent = (
  { id }: EndpointSubject,
  operation: Happening,
): Record<string, unknown> => {
  const content = { actor: bySystem, endpointId: id };
  switch (operation.type) {
    case 'endpoint.failing':
    case 'endpoint.recovered':
    case 'endpoint.disabled':
      return { ...content, failingSince: operation.failingSince };
    case 'delivery.exhausted': {
      const { id: deliveryId, eventId, eventType, attempts, lastStatus } = operation.delivery;
      return { ...content, deliveryId, eventId, eventType, attempts, lastStatus };
    }
  }
};

export const operationalBody = (type: OperationalEventType, at: string, data: object): string =>
  JSON.stringify({ type, timestamp: at, data });
