import type {
  Envelope,
  Person,
  RequestSnapshot,
  RequestTransitioned,
  TransitionEvent,
} from '@countersign/contracts';
import { v7 } from 'uuid';

export const alice: Person = {
  id: '0192f3a4-7b1c-7d10-8000-000000000a11',
  externalId: 'e-alice',
  userName: 'alice@example.com',
  displayName: 'Alice Ångström',
  email: 'alice@example.com',
};
export const bob: Person = {
  id: '0192f3a4-7b1c-7d10-8000-000000000b0b',
  externalId: null,
  userName: 'bob@example.com',
  displayName: 'Bob',
  email: null,
};

export const payload = { amount: 1200.5, note: 'for “Alice” \u2028 only', items: [1e21, -0, 'x'] };

/** Words that stand in what routing sends and must never stand in a leaf. */
export const personalWords = [
  alice.userName,
  alice.displayName,
  bob.userName,
  'A new desk',
  'The old one broke',
  'PO-4711',
  'cost centre',
  'for “Alice”',
  'too expensive',
  'line manager of Alice',
];

const at = (version: number): string => new Date(Date.UTC(2026, 10, 21, 9, 0, version)).toISOString();

export interface Story {
  requestId: string;
  /** The request's transitions, first to last: created, assigned, rejected. */
  messages: Envelope<RequestTransitioned>[];
}

/** A request from creation to rejection, as routing tells it: three transitions with eight events. */
export const storyOf = (workspaceId: string, workflowKey = 'purchase-order'): Story => {
  const requestId = v7();
  const taskId = v7();
  const task = {
    id: taskId,
    requestId,
    stageKey: 'manager',
    state: 'open' as const,
    assignee: bob,
    onBehalfOf: null,
    revision: 1,
    dueAt: null,
    decision: null,
    decidedBy: null,
    reasonCode: null,
    comment: null,
    decidedAt: null,
  };
  const decided = {
    ...task,
    state: 'rejected' as const,
    decision: 'reject' as const,
    decidedBy: bob,
    reasonCode: 'budget',
    comment: 'too expensive',
    decidedAt: at(4),
  };
  const base: RequestSnapshot = {
    id: requestId,
    workspaceId,
    workflow: { id: v7(), key: workflowKey, version: 3 },
    state: 'submitted',
    title: 'A new desk',
    reason: 'The old one broke',
    requester: alice,
    externalRef: 'PO-4711',
    metadata: { 'cost centre': 7 },
    revision: 1,
    payloadRevision: 1,
    version: 2,
    stageIndex: 0,
    totalStages: 1,
    overridden: false,
    stages: [
      {
        index: 0,
        key: 'manager',
        title: 'Line manager',
        state: 'pending',
        quorum: { approvals: 1, received: 0, rejections: 0 },
        startedAt: null,
        dueAt: null,
        endedAt: null,
        explanation: null,
        tasks: [],
      },
    ],
    failure: null,
    createdAt: at(2),
    submittedAt: at(2),
    decidedAt: null,
    completedAt: null,
  };
  const [stage] = base.stages;
  if (!stage) throw new Error('a request without a stage');
  const by = (person: Person) => ({ type: 'user' as const, id: person.id, via: 'key-1' });
  const system = { type: 'system' as const, id: null, via: null };
  const event = (
    version: number,
    type: string,
    actor: TransitionEvent['actor'],
    data: Record<string, unknown>,
    ofTask = false,
  ): TransitionEvent => ({
    id: v7(),
    type,
    at: at(version),
    actor,
    taskId: ofTask ? taskId : null,
    stageKey: 'stageKey' in data || ofTask ? 'manager' : null,
    data,
  });
  const ofStage = { stageKey: 'manager', stageIndex: 0 };
  const transitions: RequestTransitioned[] = [
    {
      request: base,
      events: [
        event(2, 'request.created', by(alice), {}),
        event(2, 'request.submitted', by(alice), { revision: 1 }),
        event(2, 'stage.awaiting_approvers', by(alice), { ...ofStage, resolutionId: v7(), purpose: 'start' }),
      ],
      revisionPayload: { revision: 1, payload: { value: payload } },
    },
    {
      request: {
        ...base,
        version: 3,
        state: 'pending_review',
        stages: [{ ...stage, state: 'active', startedAt: at(3), tasks: [task] }],
      },
      events: [
        event(3, 'request.stage_started', system, {
          ...ofStage,
          quorum: [{ approvals: 1, people: null }],
          dueAt: null,
          explanation: '1 of 1 approver must approve.',
        }),
        event(3, 'task.assigned', system, { task, why: ['line manager of Alice'] }, true),
      ],
      revisionPayload: null,
    },
    {
      request: {
        ...base,
        version: 4,
        state: 'rejected',
        decidedAt: at(4),
        stages: [{ ...stage, state: 'rejected', startedAt: at(3), endedAt: at(4), tasks: [decided] }],
      },
      events: [
        event(4, 'task.decided', by(bob), { task: decided }, true),
        event(4, 'stage.ended', by(bob), { ...ofStage, state: 'rejected', explanation: null }),
        event(4, 'request.rejected', by(bob), {
          stageKey: 'manager',
          decidedBy: bob,
          reasonCode: 'budget',
          comment: 'too expensive',
        }),
      ],
      revisionPayload: null,
    },
  ];
  return { requestId, messages: transitions.map((data) => messageOf(workspaceId, data)) };
};

export const messageOf = (workspaceId: string, data: RequestTransitioned): Envelope<RequestTransitioned> => ({
  id: v7(),
  type: 'request.transitioned.v1',
  source: 'routing',
  occurredAt: new Date().toISOString(),
  workspaceId,
  correlationId: v7(),
  causationId: null,
  traceparent: null,
  data,
});
