import type { Person, RequestSnapshot, TransitionEvent } from '@countersign/contracts';
import {
  approvalsReceived,
  rejectionsReceived,
  stageIndex,
  totalStages,
  type DomainEvent,
  type Person as AggregatePerson,
  type RequestAggregate,
} from '@countersign/workflow';

const personOf = ({ id, externalId, userName, displayName, email }: AggregatePerson): Person => ({
  id,
  externalId,
  userName,
  displayName,
  email,
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
      approvals: stage.approvalsNeeded,
      received: approvalsReceived(stage),
      rejections: rejectionsReceived(stage),
    },
    startedAt: stage.startedAt,
    dueAt: stage.dueAt,
    endedAt: stage.endedAt,
    explanation: stage.explanation,
    tasks: stage.tasks.map((task) => ({
      id: task.id,
      requestId: request.id,
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
    })),
  })),
  failure: request.failure,
  createdAt: request.createdAt,
  submittedAt: request.submittedAt,
  decidedAt: request.decidedAt,
  completedAt: request.completedAt,
});

/** A domain event as it travels. */
export const transitionEventOf = (event: DomainEvent): TransitionEvent => {
  const { id, type, at, actor, ...data } = event;
  const task = 'task' in data ? data.task : null;
  return {
    id,
    type,
    at,
    actor,
    taskId: task?.id ?? ('taskId' in data ? data.taskId : null),
    stageKey: task?.stageKey ?? ('stageKey' in data ? data.stageKey : null),
    data: type === 'request.created' ? {} : { ...data },
  };
};
