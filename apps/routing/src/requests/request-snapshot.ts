import type { Person, RequestSnapshot, TaskSnapshot, TransitionEvent } from '@countersign/contracts';
import {
  approvalsNeeded,
  approvalsReceived,
  rejectionsReceived,
  stageIndex,
  totalStages,
  type DomainEvent,
  type Person as AggregatePerson,
  type RequestAggregate,
  type Task,
} from '@countersign/workflow';

const personOf = ({ id, externalId, userName, displayName, email }: AggregatePerson): Person => ({
  id,
  externalId,
  userName,
  displayName,
  email,
});

/** A task as others get to know it: when it is to be reminded of and why it is whose is routing's own. */
const taskOf = (task: Task, requestId: string): TaskSnapshot => ({
  id: task.id,
  requestId,
  stageKey: task.stageKey,
  state: task.state,
  assignee: personOf(task.assignee),
  onBehalfOf: task.onBehalfOf && personOf(task.onBehalfOf),
  revision: task.revision,
  dueAt: task.dueAt,
  decision: task.decision,
  decidedBy: task.decidedBy && personOf(task.decidedBy),
  reasonCode: task.reasonCode,
  comment: task.comment,
  decidedAt: task.decidedAt,
});

/** The request as other services get to know it. */
export const snapshotOf = (request: RequestAggregate): RequestSnapshot => ({
  id: request.id,
  workspaceId: request.workspaceId,
  workflow: request.workflow,
  state: request.state,
  title: request.title,
  reason: request.reason,
  requester: personOf(request.requester),
  externalRef: request.externalRef,
  metadata: request.metadata,
  revision: request.revision,
  payloadRevision: request.payloadRevision,
  version: request.version,
  stageIndex: stageIndex(request),
  totalStages: totalStages(request),
  overridden: request.overridden,
  stages: request.stages.map((stage) => ({
    index: stage.index,
    key: stage.key,
    title: stage.title,
    state: stage.state,
    quorum: {
      approvals: approvalsNeeded(stage),
      received: approvalsReceived(stage),
      rejections: rejectionsReceived(stage),
    },
    startedAt: stage.startedAt,
    dueAt: stage.dueAt,
    endedAt: stage.endedAt,
    explanation: stage.explanation,
    tasks: [
      ...stage.past.map((task) => ({ ...taskOf(task, request.id), past: true })),
      ...stage.tasks.map((task) => taskOf(task, request.id)),
    ],
  })),
  failure: request.failure,
  createdAt: request.createdAt,
  submittedAt: request.submittedAt,
  decidedAt: request.decidedAt,
  completedAt: request.completedAt,
});

/** What an event carries for others; what only keeps the aggregate is left out. */
const dataOf = (event: DomainEvent, requestId: string): Record<string, unknown> => {
  const { id, type, at, actor, ...data } = event;
  if (event.type === 'request.created') {
    // The rest of it is in the request; these two, as at submission, the trail alone keeps.
    const { department, region } = event.request.requester;
    return { requester: { department, region } };
  }
  if ('task' in data) return { ...data, task: taskOf(data.task, requestId) };
  if ('resolution' in data) {
    const { resolution, ...rest } = data;
    return { ...rest, resolutionId: resolution.id, purpose: resolution.purpose };
  }
  const { queue, escalateAt, expireAt, ...shown } = data as Record<string, unknown>;
  return shown;
};

/** A domain event as it travels. */
export const transitionEventOf = (event: DomainEvent, requestId: string): TransitionEvent => {
  const task = 'task' in event ? event.task : null;
  return {
    id: event.id,
    type: event.type,
    at: event.at,
    actor: event.actor,
    taskId: task?.id ?? ('taskId' in event ? event.taskId : null),
    stageKey: task?.stageKey ?? ('stageKey' in event ? event.stageKey : null),
    data: dataOf(event, requestId),
  };
};
