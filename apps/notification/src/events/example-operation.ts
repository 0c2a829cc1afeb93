import type { AuditEventType, EndpointEventType } from '@countersign/contracts';
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

const operations: { [T in EndpointEventType]: Extract<Happening, { type: T }> } = {
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
export const exampleOperation = (type: EndpointEventType): { at: string; operation: Happening } => ({
  at: '2026-11-21T09:00:00.000Z',
  operation: operations[type],
});

/** What is said when this happens to an invented audit log. */
export const exampleAuditData: Record<AuditEventType, Record<string, unknown>> = {
  'audit.tampered': {
    workspaceId: exampleSubject.workspaceId,
    count: 1,
    findings: [
      {
        id: '0192f3a4-7b1c-7d10-8000-000000000033',
        kind: 'entry',
        index: 4711,
        detail: 'What entry 4711 says does not give its leaf hash.',
      },
    ],
    actor: { type: 'system', id: null, via: null },
  },
};
