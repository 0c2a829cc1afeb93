import type {
  Candidate,
  Person,
  QuorumPart,
  RequestAggregate,
  RequestFailure,
  Resolution,
  ResolutionPurpose,
  StageState,
  Task,
  TaskState,
} from '../aggregate';
import type { LeftOut } from './approver-sources';
import type { ResolutionEvidence } from './resolution-evidence';

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

interface Answer {
  /** Null for an override. */
  stageKey: string | null;
  decidedBy: Person | null;
  reasonCode: string | null;
  comment: string | null;
}

interface TaskRef {
  taskId: string;
  stageKey: string;
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
  'request.stage_started': StageRef & {
    quorum: QuorumPart[];
    explanation: string | null;
    dueAt: string | null;
    escalateAt: (string | null)[];
    expireAt: string | null;
    /** Who is asked later, one after another. */
    queue: Candidate[];
  };
  'request.stage_approved': StageRef;
  /** `changed` are paths such as `payload.amount` and `request.title`. */
  'request.revised': { revision: number; changed: string[]; title: string; reason: string | null };
  'request.approved': { explanation: string | null };
  'request.rejected': Answer;
  'request.returned': Answer;
  'request.canceled': { reason: string | null };
  'request.expired': { stageKey: string };
  'request.failed': { failure: RequestFailure };
  'request.completed': Record<never, never>;
  'request.overridden': { outcome: 'approved' | 'rejected'; reason: string };
  'request.commented': { commentId: string; text: string };
  /** A draft or a returned request was changed; what is under review is as before. */
  'request.edited': { title: string; reason: string | null; payloadRevision: number };
  'request.migrated': {
    from: number;
    to: number;
    stages: { key: string; title: string; from: number | null }[];
  };
  'task.assigned': { task: Task; why: string[] };
  'task.decided': { task: Task };
  'task.reminded': { task: Task };
  'task.overdue': { task: Task };
  'task.escalated': { task: Task; mode: 'add' | 'replace'; to: Person[] };
  'task.reassigned': { task: Task; to: Person; reason: string | null };
  'task.dismissed': { task: Task };
  'task.expired': { task: Task };
  'task.closed': TaskRef & { state: Extract<TaskState, 'canceled' | 'reassigned'> };
  'stage.skipped': StageRef & { explanation: string };
  'stage.awaiting_approvers': StageRef & { resolution: Resolution };
  /** An answer about people has come and is used up. `note` is what a resolver had to say. */
  'stage.resolved': StageRef & {
    resolutionId: string;
    purpose: ResolutionPurpose;
    leftOut: LeftOut[];
    note: string | null;
    evidence: ResolutionEvidence | null;
  };
  /** People were added to or taken from a stage that runs. */
  'stage.quorum_changed': StageRef & { quorum: QuorumPart[]; explanation: string };
  /** Somebody who waited in a sequential stage is asked now, or is not needed. */
  'stage.queue_changed': StageRef & { queue: Candidate[] };
  /** The payload says another time by which the stage is to be decided. */
  'stage.due_changed': StageRef & { dueAt: string | null };
  'stage.escalated': StageRef & { escalation: number };
  'stage.notified': StageRef & { people: Person[] };
  /** The stage starts again; tasks that do not stand are put aside. */
  'stage.reopened': StageRef & { explanation: string };
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
] as const satisfies readonly EventType[];

export type PublicEventType = (typeof PUBLIC_EVENT_TYPES)[number];
export type PublicEvent = Extract<DomainEvent, { type: PublicEventType }>;

/** True for the facts that subscribers see. */
export function isPublicEvent(event: DomainEvent): event is PublicEvent {
  return (PUBLIC_EVENT_TYPES as readonly string[]).includes(event.type);
}
