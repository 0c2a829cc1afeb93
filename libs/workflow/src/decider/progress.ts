import type { Person, RequestAggregate, Stage } from '../aggregate';
import { stagesOf, type WorkflowDefinition } from '../definition/workflow-definition';
import { pendingStage } from './evolve';

/** The stages of a request that routing has not seen yet: flat, all pending. */
export function initialStages(definition: Pick<WorkflowDefinition, 'stages'>): Stage[] {
  return stagesOf(definition).map(({ stage: { key, title } }, index) =>
    pendingStage(index, key, title ?? key),
  );
}

/** True for a stage that has not started but whose approvers are being looked for. */
export function isStarting(stage: Stage): boolean {
  return stage.state === 'pending' && stage.resolutions.length > 0;
}

/** True for a stage that the request waits for. */
export function isRunning(stage: Stage): boolean {
  return stage.state === 'active' || isStarting(stage);
}

/** Where the request is: the lowest active stage, else the lowest that waits for its approvers, else 0. */
export function stageIndex(state: Pick<RequestAggregate, 'stages'>): number {
  const at = state.stages.find((stage) => stage.state === 'active') ?? state.stages.find(isStarting);
  return at?.index ?? 0;
}

export function totalStages(state: Pick<RequestAggregate, 'stages'>): number {
  return state.stages.length;
}

/** The people with an open task, each once. */
export function currentApprovers(state: Pick<RequestAggregate, 'stages'>): Person[] {
  const people = new Map<string, Person>();
  for (const { tasks } of state.stages) {
    for (const task of tasks) if (task.state === 'open') people.set(task.assignee.id, task.assignee);
  }
  return [...people.values()];
}

/** True for the states that no command leads out of. */
export function isFinal(state: Pick<RequestAggregate, 'state'>): boolean {
  switch (state.state) {
    case 'completed':
    case 'rejected':
    case 'canceled':
    case 'expired':
    case 'failed':
      return true;
    case 'draft':
    case 'submitted':
    case 'pending_review':
    case 'approved':
    case 'returned':
      return false;
  }
}
