import {
  pendingStageSnapshot,
  type EventType,
  type Person,
  type RequestSnapshot,
  type RequestState,
  type StageSnapshot,
  type StageState,
  type TaskSnapshot,
  type TaskState,
  type TransitionEvent,
} from '@countersign/contracts';

const requestId = '0192f3a4-7b1c-7d10-8000-000000000001';
const taskId = '0192f3a4-7b1c-7d10-8000-000000000002';
const nextTaskId = '0192f3a4-7b1c-7d10-8000-000000000004';
const at = '2026-11-21T09:00:00.000Z';
const earlier = '2026-11-21T08:30:00.000Z';
const dueAt = '2026-11-22T08:30:00.000Z';
const payload = { amount: 4200, department: 'IT', region: 'EMEA' };

const requester: Person = {
  id: '0192f3a4-7b1c-7d10-8000-000000000011',
  externalId: 'd3f0fe0f-ad34-4eb2-af61-953ea3a76031',
  userName: 'alice@example.com',
  displayName: 'Alice Arnold',
  email: 'alice@example.com',
};
const approver: Person = {
  id: '0192f3a4-7b1c-7d10-8000-000000000012',
  externalId: '974d3b91-22dd-4851-9987-10ebbfb08737',
  userName: 'bob@example.com',
  displayName: 'Bob Brown',
  email: 'bob@example.com',
};

const deputy: Person = {
  id: '0192f3a4-7b1c-7d10-8000-000000000013',
  externalId: '5b1f6f0e-7f0c-4f0a-9c1e-3f0d6e7f8a90',
  userName: 'carol@example.com',
  displayName: 'Carol Clark',
  email: 'carol@example.com',
};

type Caused = TransitionEvent['actor'];
const via = '0192f3a4-7b1c-7d10-8000-000000000021';
const bySystem: Caused = { type: 'system', id: null, via: null };
const by = ({ id }: Person): Caused => ({ type: 'user', id, via });

interface Situation {
  request: RequestState;
  /** Of the first stage. */
  stage: StageState;
  /** Of its first task, which the event is about. */
  task: TaskState | null;
  /** Of its second task, if there is one, and whose it is. */
  next?: Person;
  revision?: number;
  actor?: Caused;
  data?: Record<string, unknown>;
}

const open: Situation = { request: 'pending_review', stage: 'active', task: 'open' };
const approved: Situation = { request: 'approved', stage: 'approved', task: 'approved' };

const atOnce = 'The server room is under water.';

const situations: Record<EventType, Situation> = {
  'request.created': { request: 'submitted', stage: 'pending', task: null, actor: by(requester) },
  'request.submitted': { request: 'submitted', stage: 'pending', task: null, actor: by(requester) },
  'request.stage_started': open,
  'request.stage_approved': { ...approved, request: 'pending_review' },
  'request.revised': {
    ...open,
    revision: 2,
    actor: by(requester),
    data: { revision: 2, changed: ['payload.amount'] },
  },
  'request.returned': { request: 'returned', stage: 'returned', task: 'returned' },
  'request.approved': { ...approved, request: 'completed' },
  'request.rejected': { request: 'rejected', stage: 'rejected', task: 'rejected' },
  'request.canceled': { request: 'canceled', stage: 'canceled', task: 'canceled' },
  'request.expired': { request: 'expired', stage: 'expired', task: 'expired' },
  'request.failed': { request: 'failed', stage: 'failed', task: null },
  'request.completed': { ...approved, request: 'completed' },
  'request.overridden': {
    request: 'completed',
    stage: 'canceled',
    task: 'canceled',
    actor: by(deputy),
    data: { outcome: 'approved', reason: atOnce },
  },
  'task.assigned': open,
  'task.reminded': open,
  'task.overdue': open,
  'task.escalated': { ...open, next: deputy, data: { mode: 'add', to: [deputy] } },
  'task.reassigned': {
    ...open,
    task: 'reassigned',
    next: deputy,
    actor: by(requester),
    data: { to: deputy, reason: 'Bob is on leave.' },
  },
  'task.decided': { ...approved, request: 'pending_review' },
  'task.dismissed': { ...open, task: 'dismissed', next: approver, revision: 2, actor: by(requester) },
  'task.expired': { request: 'expired', stage: 'expired', task: 'expired' },
};

const decisionOf = {
  approved: 'approve',
  rejected: 'reject',
  returned: 'return',
  dismissed: 'approve',
} as const;

const exampleTask = (id: string, state: TaskState, assignee: Person, revision: number): TaskSnapshot => {
  const decision = state in decisionOf ? decisionOf[state as keyof typeof decisionOf] : null;
  return {
    id,
    requestId,
    stageKey: 'manager',
    state,
    assignee,
    onBehalfOf: null,
    revision,
    dueAt,
    decision,
    decidedBy: decision ? assignee : null,
    reasonCode: decision === 'reject' ? 'budget' : null,
    comment: decision === 'reject' ? 'Not this quarter.' : null,
    decidedAt: decision ? (state === 'dismissed' ? earlier : at) : null,
  };
};

const exampleStages = ({ request, stage, task, next, revision = 1 }: Situation): StageSnapshot[] => {
  const first = pendingStageSnapshot(0, 'manager', 'Line manager');
  if (stage === 'pending') return [first];
  const reached: StageSnapshot = {
    ...first,
    state: stage,
    quorum: {
      approvals: 1,
      received: task === 'approved' ? 1 : 0,
      rejections: task === 'rejected' ? 1 : 0,
    },
    startedAt: earlier,
    dueAt,
    endedAt: stage === 'active' ? null : at,
    tasks: [
      ...(task ? [exampleTask(taskId, task, approver, task === 'dismissed' ? 1 : revision)] : []),
      ...(next ? [exampleTask(nextTaskId, 'open', next, revision)] : []),
    ],
  };
  const goesOn = request === 'pending_review' && stage === 'approved';
  return goesOn ? [reached, pendingStageSnapshot(1, 'owner', 'Budget owner')] : [reached];
};

const decidedStates: readonly RequestState[] = ['approved', 'completed', 'rejected'];

/** A transition that makes an event of this type, with invented people and ids. */
export const exampleTransition = (
  type: EventType,
): { request: RequestSnapshot; payload: unknown; event: TransitionEvent } => {
  const situation = situations[type];
  const stages = exampleStages(situation);
  const request: RequestSnapshot = {
    id: requestId,
    workspaceId: '1840b34e-6fe7-4a56-9ad3-0b7b58c49dc7',
    workflow: { id: '8884dca2-6f58-4175-81a2-3504f6ee616d', key: 'purchase-order', version: 3 },
    state: situation.request,
    title: 'Two laptops',
    reason: 'New colleagues start in December.',
    requester,
    externalRef: 'PO-2026-1234',
    metadata: {},
    revision: situation.revision ?? 1,
    payloadRevision: situation.revision ?? 1,
    version: 4,
    stageIndex: stages.length - 1,
    totalStages: stages.length,
    overridden: type === 'request.overridden',
    stages,
    failure:
      situation.request === 'failed'
        ? { code: 'no_approvers', stage: 'manager', detail: 'The requester has no manager.' }
        : null,
    createdAt: earlier,
    submittedAt: earlier,
    decidedAt: decidedStates.includes(situation.request) ? at : null,
    completedAt: situation.request === 'completed' ? at : null,
  };
  const event: TransitionEvent = {
    id: '0192f3a4-7b1c-7d10-8000-000000000003',
    type,
    at,
    actor: situation.actor ?? (situation.task && situation.task in decisionOf ? by(approver) : bySystem),
    taskId: type.startsWith('task.') ? taskId : null,
    stageKey: 'manager',
    data: situation.data ?? {},
  };
  return { request, payload, event };
};
