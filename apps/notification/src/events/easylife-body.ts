import type { Person, RequestSnapshot, StageSnapshot } from '@countersign/contracts';

/** The state changes that the EasyLife document knows: creation, approval (of a stage or of all), rejection. */
const stateChanges = new Set([
  'request.created',
  'request.stage_approved',
  'request.approved',
  'request.rejected',
]);

export const isEasylifeEvent = (type: string): boolean => stateChanges.has(type);

/** The body of EasyLife's "State changes" webhook: these nine members in this order, and no other. */
export const easylifeBody = (request: RequestSnapshot): string => {
  const stage = currentStage(request);
  const approvers = approversOf(stage);
  return JSON.stringify({
    requestId: request.id,
    title: request.title,
    reason: request.reason ?? '',
    requestorId: outsideId(request.requester),
    participants: (approvers.length > 0 ? approvers : [request.requester]).map(outsideId),
    stage: stage?.index ?? request.stageIndex,
    totalStages: request.totalStages,
    templateId: request.workflow.id,
    tenantId: request.workspaceId,
  });
};

/** The other side knows people by the id of their own directory (Entra ID), if they have one there. */
const outsideId = (person: Person): string => person.externalId ?? person.id;

/** The stage that the request is in; once it is decided, the one that decided it. */
const currentStage = (request: RequestSnapshot): StageSnapshot | undefined => {
  const at = request.stages.find((stage) => stage.index === request.stageIndex);
  if (request.decidedAt === null || at?.state === 'active') return at;
  const decided = request.stages.filter((stage) => stage.endedAt !== null && stage.tasks.length > 0);
  return (
    decided.reduce<StageSnapshot | undefined>(
      (last, stage) => (isLater(stage, last) ? stage : last),
      undefined,
    ) ?? at
  );
};

const isLater = (stage: StageSnapshot, than: StageSnapshot | undefined): boolean =>
  !than ||
  (stage.endedAt ?? '') > (than.endedAt ?? '') ||
  (stage.endedAt === than.endedAt && stage.index > than.index);

const approversOf = (stage: StageSnapshot | undefined): Person[] => {
  const people = new Map<string, Person>();
  for (const task of stage?.tasks ?? [])
    if (task.state !== 'reassigned') people.set(task.assignee.id, task.assignee);
  return [...people.values()];
};
