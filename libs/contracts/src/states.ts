/** States of product §2. */
export const requestStates = [
  'draft',
  'submitted',
  'pending_review',
  'approved',
  'completed',
  'returned',
  'rejected',
  'canceled',
  'expired',
  'failed',
] as const;
export type RequestState = (typeof requestStates)[number];

/** Those that nothing but a comment follows. */
export const finalStates = [
  'completed',
  'rejected',
  'canceled',
  'expired',
  'failed',
] as const satisfies readonly RequestState[];

export const stageStates = [
  'pending',
  'active',
  'approved',
  'rejected',
  'returned',
  'skipped',
  'canceled',
  'expired',
  'failed',
] as const;
export type StageState = (typeof stageStates)[number];

export const taskStates = [
  'open',
  'approved',
  'rejected',
  'returned',
  'reassigned',
  'canceled',
  'expired',
  'dismissed',
] as const;
export type TaskState = (typeof taskStates)[number];

export const decisions = ['approve', 'reject', 'return'] as const;
export type DecisionKind = (typeof decisions)[number];

/** Event types of product §5, in the order of that page. */
export const eventTypes = [
  'request.created',
  'request.submitted',
  'request.stage_started',
  'request.stage_approved',
  'request.revised',
  'request.returned',
  'request.approved',
  'request.rejected',
  'request.canceled',
  'request.expired',
  'request.failed',
  'request.completed',
  'request.overridden',
  'task.assigned',
  'task.reminded',
  'task.overdue',
  'task.escalated',
  'task.reassigned',
  'task.decided',
  'task.dismissed',
  'task.expired',
] as const;
export type EventType = (typeof eventTypes)[number];
export const isEventType = (type: string): type is EventType =>
  (eventTypes as readonly string[]).includes(type);

/** What happens to webhook endpoints and deliveries themselves. */
export const endpointEventTypes = [
  'endpoint.failing',
  'endpoint.recovered',
  'endpoint.disabled',
  'delivery.exhausted',
] as const;
export type EndpointEventType = (typeof endpointEventTypes)[number];

/** What happens to the audit log itself. */
export const auditEventTypes = ['audit.tampered'] as const;
export type AuditEventType = (typeof auditEventTypes)[number];

/** What is about no request. Only who names these gets them. */
export const operationalEventTypes = [...endpointEventTypes, ...auditEventTypes] as const;
export type OperationalEventType = (typeof operationalEventTypes)[number];

export const scopes = [
  'requests:write',
  'requests:read',
  'tasks:read',
  'tasks:decide',
  'workflows:write',
  'workflows:publish',
  'workflows:read',
  'directory:write',
  'directory:read',
  'webhooks:write',
  'webhooks:read',
  'audit:read',
  'requests:override',
  'act-as',
  'admin',
] as const;
export type Scope = (typeof scopes)[number];
