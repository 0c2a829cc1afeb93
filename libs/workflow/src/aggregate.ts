/** A person as written into an aggregate: a snapshot, never looked up again. `id` is the user id. */
export interface Person {
  id: string;
  externalId: string | null;
  userName: string;
  displayName: string;
  email: string | null;
}

/** The requester as of submission. `groups` are display names, `manager` is a user id. */
export interface Requester extends Person {
  department: string | null;
  region: string | null;
  approvalLimit: number | null;
  groups: string[];
  manager: string | null;
}

export type RequestState =
  | 'draft'
  | 'submitted'
  | 'pending_review'
  | 'approved'
  | 'completed'
  | 'returned'
  | 'rejected'
  | 'canceled'
  | 'expired'
  | 'failed';

export type StageState =
  'pending' | 'active' | 'approved' | 'rejected' | 'returned' | 'skipped' | 'canceled' | 'expired' | 'failed';

export type TaskState =
  'open' | 'approved' | 'rejected' | 'returned' | 'reassigned' | 'canceled' | 'expired' | 'dismissed';

export type TaskDecision = 'approve' | 'reject' | 'return';

/**
 * One person's vote in one stage. `revision` is the revision of the request that the question is about, and that the decision
 * was made on. Times at which something is due are null when nothing is, and once it has been done.
 */
export interface Task {
  id: string;
  stageKey: string;
  state: TaskState;
  assignee: Person;
  onBehalfOf: Person | null;
  revision: number;
  dueAt: string | null;
  decision: TaskDecision | null;
  decidedBy: Person | null;
  reasonCode: string | null;
  comment: string | null;
  decidedAt: string | null;
  openedAt: string;
  /** Why this person, or whom they stand in for: one sentence a source that names them. */
  why: string[];
  /** What an absence or a delegation has to do with it; left out when nothing has. */
  substitution?: string;
  remindAt: string | null;
  /** Reminders by the clock and by people. */
  remindedAt: string | null;
  /** Reminders by the clock: `remind.max` counts these. */
  reminders: number;
  overdue: boolean;
  /** User id of whom a reassigned task was given to; null for one that an escalation took away. */
  passedTo: string | null;
  /** User id of who has passed it on, or was replaced; left out where it has moved by a delegation or an escalation. */
  passedBy?: string;
}

/** Somebody who is to be asked; with `onBehalfOf`, in whose place. */
export interface Candidate {
  person: Person;
  why: string[];
  onBehalfOf?: Person;
  /** What an absence or a delegation has to do with it, to be said after each sentence of `why`. */
  substitution?: string;
}

/** So many approvals by these people; `people` is null when everybody in the stage counts. */
export interface QuorumPart {
  approvals: number;
  people: string[] | null;
}

export type ResolutionPurpose = 'start' | 'fallback' | 'escalate' | 'refill' | 'delegate' | 'notify';

/**
 * A question about people that is under way. `counts` says what its sources are for, in their order: approvers, then
 * those of each part of the quorum, then whom the requester's own task goes to.
 */
export interface Resolution {
  id: string;
  purpose: ResolutionPurpose;
  /** Which escalation. */
  escalation?: number;
  counts: { approvers: number; parts: number[]; reroute: number };
}

/**
 * One stage of the request. `quorum` is empty until the approvers are known. `explanation` says in words why the stage
 * is as it is. `past` holds the tasks that do not count any more: of earlier rounds, or dismissed.
 */
export interface Stage {
  index: number;
  key: string;
  title: string;
  state: StageState;
  quorum: QuorumPart[];
  startedAt: string | null;
  dueAt: string | null;
  endedAt: string | null;
  explanation: string | null;
  resolutions: Resolution[];
  /** In a sequential stage: who is asked next. */
  queue: Candidate[];
  /** When each escalation of the definition is due; null once done. */
  escalateAt: (string | null)[];
  expireAt: string | null;
  /** The approvers of `onNoApprovers.fallback` have been asked for. */
  fallback: boolean;
  tasks: Task[];
  past: Task[];
}

export interface RequestFailure {
  code: string;
  stage: string | null;
  detail: string;
}

/** The request as stored and serialised: JSON only, every time an RFC 3339 string in UTC with milliseconds. */
export interface RequestAggregate {
  id: string;
  workspaceId: string;
  workflow: { id: string; key: string; version: number };
  state: RequestState;
  title: string;
  reason: string | null;
  requester: Requester;
  externalRef: string | null;
  metadata: Record<string, unknown>;
  /** The revision that is, or was last, under review. */
  revision: number;
  /** The revision of the newest payload: one further while a draft or a returned request is edited. */
  payloadRevision: number;
  version: number;
  overridden: boolean;
  stages: Stage[];
  failure: RequestFailure | null;
  createdAt: string;
  submittedAt: string | null;
  decidedAt: string | null;
  completedAt: string | null;
}
