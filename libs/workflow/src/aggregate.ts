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

/** One person's vote in one stage. `revision` is the revision of the request the task was opened for. */
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
}

/**
 * One stage of the request. `approvalsNeeded` is 0 until the approvers are known. `resolutionId` names the approver
 * resolution the stage waits for and is null whenever it waits for none. `explanation` says why the stage was skipped
 * or failed.
 */
export interface Stage {
  index: number;
  key: string;
  title: string;
  state: StageState;
  approvalsNeeded: number;
  startedAt: string | null;
  dueAt: string | null;
  endedAt: string | null;
  explanation: string | null;
  resolutionId: string | null;
  /** Present once the approvers of `onNoApprovers.fallback` have been asked for. */
  fallback?: true;
  tasks: Task[];
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
  revision: number;
  version: number;
  overridden: boolean;
  stages: Stage[];
  failure: RequestFailure | null;
  createdAt: string;
  submittedAt: string | null;
  decidedAt: string | null;
  completedAt: string | null;
}
