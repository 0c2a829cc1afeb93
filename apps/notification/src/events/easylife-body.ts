import type { Person, RequestSnapshot, StageSnapshot, TaskSnapshot, TaskState } from '@countersign/contracts';

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
  const stages = currentStages(request);
  const approvers = approversOf(stages);
  return JSON.stringify({
    requestId: request.id,
    title: request.title,
    reason: request.reason ?? '',
    requestorId: outsideId(request.requester),
    participants: (approvers.length > 0 ? approvers : [request.requester]).map(outsideId),
    stage: stages[0]?.index ?? request.stageIndex,
    totalStages: request.totalStages,
    templateId: request.workflow.id,
    tenantId: request.workspaceId,
  });
};

/** The other side knows people by the id of their own directory (Entra ID), if they have one there. */
const outsideId = (person: Person): string => person.externalId ?? person.id;

/** The stages that the request is in, side by side; once it is decided, those that it was decided in. */
const currentStages = (request: RequestSnapshot): StageSnapshot[] => {
  const active = request.stages.filter(({ state }) => state === 'active');
  if (active.length > 0) return active;
  const decided = request.decidedAt === null ? [] : lastToEnd(request.stages);
  return decided.length > 0 ? decided : request.stages.filter(({ index }) => index === request.stageIndex);
};

/** One rejection cancels the stages beside it: then it is the rejected one that counts. After an override all are canceled. */
const lastToEnd = (stages: readonly StageSnapshot[]): StageSnapshot[] => {
  const ended = stages.filter(({ endedAt, tasks }) => endedAt !== null && tasks.some(isOfThisRound));
  const last = ended.reduce((latest, { endedAt }) => (endedAt && endedAt > latest ? endedAt : latest), '');
  const together = ended.filter(({ endedAt }) => endedAt === last);
  const decisive = together.filter(({ state }) => state !== 'canceled');
  return decisive.length > 0 ? decisive : together;
};

/** Tasks of an active stage that were canceled have been taken from their people; when a stage ends, those left open are. */
const approversOf = (stages: readonly StageSnapshot[]): Person[] => {
  const people = new Map<string, Person>();
  for (const { state, tasks } of stages) {
    if (state === 'pending') continue;
    const gone = state === 'active' ? goneFromActive : goneFromEnded;
    for (const task of tasks.filter(isOfThisRound)) {
      if (!gone.has(task.state)) people.set(task.assignee.id, task.assignee);
    }
  }
  return [...people.values()];
};

const isOfThisRound = ({ past }: TaskSnapshot): boolean => past !== true;

const goneFromEnded: ReadonlySet<TaskState> = new Set<TaskState>(['reassigned', 'dismissed']);
const goneFromActive: ReadonlySet<TaskState> = new Set<TaskState>([...goneFromEnded, 'canceled', 'expired']);
