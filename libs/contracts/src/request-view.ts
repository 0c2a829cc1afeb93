import type { Person } from './person';
import type { RequestSnapshot, TaskSnapshot } from './request-snapshot';

const personView = (person: Person) => ({
  id: person.id,
  userName: person.userName,
  displayName: person.displayName,
});
const personOrNull = (person: Person | null) => (person ? personView(person) : null);

/** A task as product §3 shows it inside a request. */
export const taskView = (task: TaskSnapshot) => ({
  id: task.id,
  requestId: task.requestId,
  stageKey: task.stageKey,
  state: task.state,
  assignee: personView(task.assignee),
  onBehalfOf: personOrNull(task.onBehalfOf),
  revision: task.revision,
  dueAt: task.dueAt,
  decision: task.decision,
  decidedBy: personOrNull(task.decidedBy),
  reasonCode: task.reasonCode,
  comment: task.comment,
  decidedAt: task.decidedAt,
});
export type TaskView = ReturnType<typeof taskView>;

/** The request object of product §3, member by member in its order; nothing else leaves the system. */
export const requestView = (request: RequestSnapshot, payload: unknown) => ({
  id: request.id,
  workspaceId: request.workspaceId,
  workflow: { id: request.workflow.id, key: request.workflow.key, version: request.workflow.version },
  state: request.state,
  title: request.title,
  reason: request.reason,
  requester: personView(request.requester),
  payload,
  externalRef: request.externalRef,
  metadata: request.metadata,
  revision: request.revision,
  version: request.version,
  stageIndex: request.stageIndex,
  totalStages: request.totalStages,
  overridden: request.overridden,
  stages: request.stages.map((stage) => ({
    index: stage.index,
    key: stage.key,
    title: stage.title,
    state: stage.state,
    quorum: stage.quorum,
    startedAt: stage.startedAt,
    dueAt: stage.dueAt,
    endedAt: stage.endedAt,
    explanation: stage.explanation,
    tasks: stage.tasks.map(taskView),
  })),
  failure: request.failure,
  createdAt: request.createdAt,
  submittedAt: request.submittedAt,
  decidedAt: request.decidedAt,
  completedAt: request.completedAt,
});
export type RequestView = ReturnType<typeof requestView>;
