import type { Person, RequestAggregate, RequestFailure, StageState, Task, TaskState } from '../aggregate';

/** Who caused something: `id` is the user or the key, `via` the key that vouched for a user. */
export interface Actor {
  type: 'user' | 'service' | 'system';
  id: string | null;
  via: string | null;
}

interface StageRef {
  stageKey: string;
  stageIndex: number;
}

/** What happened, by type, beside the envelope. */
export interface EventData {
  'request.created': {
    request: Omit<
      RequestAggregate,
      'state' | 'stages' | 'version' | 'failure' | 'submittedAt' | 'decidedAt' | 'completedAt'
    >;
    stages: { key: string; title: string }[];
  };
  'request.submitted': { revision: number };
  'request.stage_started': StageRef & { approvalsNeeded: number; explanation: string | null };
  'request.stage_approved': StageRef;
  'request.approved': { explanation: string | null };
  'request.rejected': {
    stageKey: string;
    decidedBy: Person | null;
    reasonCode: string | null;
    comment: string | null;
  };
  'request.returned': {
    stageKey: string;
    decidedBy: Person | null;
    reasonCode: string | null;
    comment: string | null;
  };
  'request.canceled': { reason: string | null };
  'request.failed': { failure: RequestFailure };
  'request.completed': Record<never, never>;
  'task.assigned': { task: Task; why: string[] };
  'task.decided': { task: Task };
  'task.closed': { taskId: string; stageKey: string; state: Extract<TaskState, 'canceled'> };
  'stage.skipped': StageRef & { explanation: string };
  'stage.awaiting_approvers': StageRef & { resolutionId: string; fallback: boolean };
  'stage.ended': StageRef & {
    state: Exclude<StageState, 'pending' | 'active' | 'skipped'>;
    explanation: string | null;
  };
}

export type EventType = keyof EventData;

/** A fact about one request. `at` is RFC 3339 in UTC with milliseconds. */
export type DomainEvent = {
  [T in EventType]: { id: string; type: T; at: string; actor: Actor } & EventData[T];
}[EventType];

/** The facts that subscribers see; the others only carry the state. */
export const PUBLIC_EVENT_TYPES = [
  'request.created',
  'request.submitted',
  'request.stage_started',
  'request.stage_approved',
  'request.approved',
  'request.rejected',
  'request.returned',
  'request.canceled',
  'request.failed',
  'request.completed',
  'task.assigned',
  'task.decided',
] as const satisfies readonly EventType[];

export type PublicEventType = (typeof PUBLIC_EVENT_TYPES)[number];
export type PublicEvent = Extract<DomainEvent, { type: PublicEventType }>;

/** True for the facts that subscribers see. */
export function isPublicEvent(event: DomainEvent): event is PublicEvent {
  return (PUBLIC_EVENT_TYPES as readonly string[]).includes(event.type);
}
