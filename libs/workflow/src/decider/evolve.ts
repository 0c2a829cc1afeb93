import type { RequestAggregate, Stage, Task } from '../aggregate';
import type { DomainEvent } from './events';

/** A stage that nothing has happened to yet. */
export function pendingStage(index: number, key: string, title: string): Stage {
  return {
    index,
    key,
    title,
    state: 'pending',
    approvalsNeeded: 0,
    startedAt: null,
    dueAt: null,
    endedAt: null,
    explanation: null,
    resolutionId: null,
    tasks: [],
  };
}

function withStage(
  state: RequestAggregate,
  key: string,
  change: (stage: Stage) => Partial<Stage>,
): RequestAggregate {
  return {
    ...state,
    stages: state.stages.map((stage) => (stage.key === key ? { ...stage, ...change(stage) } : stage)),
  };
}

function withTask(
  state: RequestAggregate,
  stageKey: string,
  taskId: string,
  change: Partial<Task>,
): RequestAggregate {
  return withStage(state, stageKey, (stage) => ({
    tasks: stage.tasks.map((task) => (task.id === taskId ? { ...task, ...change } : task)),
  }));
}

/** The state after one event. Leaves `version` alone: that counts decisions, not events (see `apply`). */
export function evolve(state: RequestAggregate | null, event: DomainEvent): RequestAggregate {
  if (event.type === 'request.created') {
    return {
      ...event.request,
      state: 'draft',
      version: 1,
      stages: event.stages.map(({ key, title }, index) => pendingStage(index, key, title)),
      failure: null,
      submittedAt: null,
      decidedAt: null,
      completedAt: null,
    };
  }
  if (state === null) throw new Error(`${event.type} cannot be the first event of a request`);
  switch (event.type) {
    case 'request.submitted':
      return { ...state, state: 'submitted', revision: event.revision, submittedAt: event.at };
    case 'request.stage_started':
      return {
        ...withStage(state, event.stageKey, () => ({
          state: 'active',
          approvalsNeeded: event.approvalsNeeded,
          startedAt: event.at,
          resolutionId: null,
          explanation: event.explanation,
        })),
        state: 'pending_review',
      };
    case 'request.stage_approved':
      return state;
    case 'request.approved':
      return { ...state, state: 'approved', decidedAt: event.at };
    case 'request.rejected':
      return { ...state, state: 'rejected', decidedAt: event.at };
    case 'request.returned':
      return { ...state, state: 'returned' };
    case 'request.canceled':
      return { ...state, state: 'canceled' };
    case 'request.failed':
      return { ...state, state: 'failed', failure: event.failure };
    case 'request.completed':
      return { ...state, state: 'completed', completedAt: event.at };
    case 'task.assigned':
      return withStage(state, event.task.stageKey, (stage) => ({ tasks: [...stage.tasks, event.task] }));
    case 'task.decided':
      return withTask(state, event.task.stageKey, event.task.id, event.task);
    case 'task.closed':
      return withTask(state, event.stageKey, event.taskId, { state: event.state });
    case 'stage.skipped':
      return withStage(state, event.stageKey, () => ({
        state: 'skipped',
        endedAt: event.at,
        resolutionId: null,
        explanation: event.explanation,
      }));
    case 'stage.awaiting_approvers':
      return withStage(state, event.stageKey, () => ({
        resolutionId: event.resolutionId,
        ...(event.fallback ? { fallback: true as const } : {}),
      }));
    case 'stage.ended':
      return withStage(state, event.stageKey, (stage) => ({
        state: event.state,
        endedAt: event.at,
        resolutionId: null,
        explanation: event.explanation ?? stage.explanation,
      }));
  }
}

/**
 * The state after all events of one decision: exactly one version further when there is any. Version 1 is
 * what intake shows before routing has seen the request: a draft stays at it, and what is submitted goes on to 2.
 */
export function apply(state: RequestAggregate | null, events: DomainEvent[]): RequestAggregate | null {
  if (events.length === 0) return state;
  let next = state;
  for (const event of events) next = evolve(next, event);
  if (!next) return next;
  const shown = state?.version ?? (next.state === 'draft' ? 0 : 1);
  return { ...next, version: shown + 1 };
}
