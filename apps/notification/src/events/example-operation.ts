import type { OperationalEventType } from '@countersign/contracts';
import type { EndpointSubject, Happening } from './operational-event';

export const exampleSubject: EndpointSubject = {
  id: '0192f3a4-7b1c-7d10-8000-000000000031',
  workspaceId: '1840b34e-6fe7-4a56-9ad3-0b7b58c49dc7',
  url: 'https://erp.example.com/hooks/countersign',
  description: 'ERP',
  workflows: null,
  ownerId: null,
};

const failingSince = '2026-11-16T09:00:00.000Z';

const operations: { [T in OperationalEventType]: Extract<Happening, { type: T }> } = {
  'endpoint.failing': { type: 'endpoint.failing', failingSince },
  'endpoint.recovered': { type: 'endpoint.recovered', failingSince },
  'endpoint.disabled': {
    type: 'endpoint.disabled',
    reason: `every attempt has failed since ${failingSince}`,
    failingSince,
  },
  'delivery.exhausted': {
    type: 'delivery.exhausted',
    delivery: {
      id: '0192f3a4-7b1c-7d10-8000-000000000032',
      eventId: '0192f3a4-7b1c-7d10-8000-000000000003',
      eventType: 'task.decided',
      requestId: '0192f3a4-7b1c-7d10-8000-000000000001',
      attempts: 10,
      lastStatus: 503,
      lastError: 'answered 503',
    },
  },
};

/** Something of this type that happens to an invented endpoint. */
export const exampleOperation = (type: OperationalEventType): { at: string; operation: Happening } => ({
  at: '2026-11-21T09:00:00.000Z',
  operation: operations[type],
});
