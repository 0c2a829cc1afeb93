import type { Person, RequestAggregate, Stage } from '../aggregate';
import type { WorkflowDefinition } from '../definition/workflow-definition';
import { pendingStage } from './evolve';

/** The stages of a request that routing has not seen yet: flat, all pending. */
export function initialStages(definition: Pick<WorkflowDefinition, 'stages'>): Stage[] {
  return definition.stages.map(({ key, title }, index) => pendingStage(index, key, title ?? key));
}

/** Where the request is: the lowest active stage, else the lowest that waits for its approvers, else 0. */
export function stageIndex(state: Pick<RequestAggregate, 'stages'>): number {
  const at =
    state.stages.find((stage) => stage.state === 'active') ??
    state.stages.find((stage) => stage.resolutionId);
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
