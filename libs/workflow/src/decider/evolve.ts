import type { RequestAggregate, Stage, Task } from '../aggregate';
import type { DomainEvent } from './events';

/** A stage that nothing has happened to yet. */
export function pendingStage(index: number, key: string, title: string): Stage {
  return {
    index,
    key,
    title,
    state: 'pending',
    quorum: [],
    startedAt: null,
    dueAt: null,
    endedAt: null,
    explanation: null,
    resolutions: [],
    queue: [],
    escalateAt: [],
    expireAt: null,
    fallback: false,
    tasks: [],
    past: [],
  };
}

/** What counts when the stage starts again: answers that were not dismissed. */
const stands = ({ state }: Task): boolean => state === 'approved' || state === 'rejected';

function startAgain(stage: Stage, stays: (task: Task) => boolean): Stage {
  return {
    ...pendingStage(stage.index, stage.key, stage.title),
    tasks: stage.tasks.filter(stays),
    past: [...stage.past, ...stage.tasks.filter((task) => !stays(task))],
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

/** What a stage still has once it is over: people who are to be informed of its start are, even so. */
function over({ resolutions }: Stage): Partial<Stage> {
  const toInform = resolutions.filter(({ purpose }) => purpose === 'notify');
  return { resolutions: toInform, queue: [], escalateAt: [], expireAt: null };
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
      return {
        ...state,
        state: 'submitted',
        revision: event.revision,
        payloadRevision: event.revision,
        submittedAt: event.at,
        stages: state.stages.map((stage) => startAgain(stage, () => false)),
      };
    case 'request.edited':
      return {
        ...state,
        title: event.title,
        reason: event.reason,
        payloadRevision: event.payloadRevision,
      };
    case 'request.revised':
      return {
        ...state,
        title: event.title,
        reason: event.reason,
        revision: event.revision,
        payloadRevision: event.revision,
        stages: state.stages.map((stage) => ({
          ...stage,
          // What nobody has answered yet is asked about the new revision.
          tasks: stage.tasks.map((task) =>
            task.state === 'open' ? { ...task, revision: event.revision } : task,
          ),
        })),
      };
    case 'request.stage_started':
      return {
        ...withStage(state, event.stageKey, () => ({
          state: 'active',
          quorum: event.quorum,
          startedAt: event.at,
          dueAt: event.dueAt,
          escalateAt: event.escalateAt,
          expireAt: event.expireAt,
          queue: event.queue,
          explanation: event.explanation,
        })),
        state: 'pending_review',
      };
    case 'request.stage_approved':
    case 'request.commented':
    case 'stage.notified':
      return state;
    case 'request.approved':
      return { ...state, state: 'approved', decidedAt: event.at };
    case 'request.rejected':
      return { ...state, state: 'rejected', decidedAt: event.at };
    case 'request.returned':
      return { ...state, state: 'returned' };
    case 'request.canceled':
      return { ...state, state: 'canceled' };
    case 'request.expired':
      return { ...state, state: 'expired', decidedAt: event.at };
    case 'request.failed':
      return { ...state, state: 'failed', failure: event.failure };
    case 'request.completed':
      return { ...state, state: 'completed', completedAt: event.at };
    case 'request.overridden':
      return { ...state, overridden: true };
    case 'request.migrated':
      return {
        ...state,
        workflow: { ...state.workflow, version: event.to },
        stages: event.stages.map(({ key, title, from }, index) => {
          const stage = from === null ? undefined : state.stages[from];
          return stage ? { ...stage, index, title } : pendingStage(index, key, title);
        }),
      };
    case 'task.assigned':
      return withStage(state, event.task.stageKey, (stage) => ({ tasks: [...stage.tasks, event.task] }));
    case 'task.decided':
    case 'task.reminded':
    case 'task.overdue':
    case 'task.escalated':
    case 'task.reassigned':
    case 'task.dismissed':
    case 'task.expired':
      return withTask(state, event.task.stageKey, event.task.id, event.task);
    case 'task.closed':
      return withTask(state, event.stageKey, event.taskId, { state: event.state });
    case 'stage.skipped':
      return withStage(state, event.stageKey, (stage) => ({
        ...over(stage),
        state: 'skipped',
        endedAt: event.at,
        explanation: event.explanation,
      }));
    case 'stage.awaiting_approvers':
      return withStage(state, event.stageKey, (stage) => ({
        resolutions: [...stage.resolutions, event.resolution],
        fallback: stage.fallback || event.resolution.purpose === 'fallback',
      }));
    case 'stage.resolved':
      return withStage(state, event.stageKey, (stage) => ({
        resolutions: stage.resolutions.filter(({ id }) => id !== event.resolutionId),
      }));
    case 'stage.quorum_changed':
      return withStage(state, event.stageKey, () => ({
        quorum: event.quorum,
        explanation: event.explanation,
      }));
    case 'stage.queue_changed':
      return withStage(state, event.stageKey, () => ({ queue: event.queue }));
    case 'stage.escalated':
      return withStage(state, event.stageKey, (stage) => ({
        escalateAt: stage.escalateAt.map((at, index) => (index === event.escalation ? null : at)),
      }));
    case 'stage.reopened':
      return withStage(state, event.stageKey, (stage) => ({
        ...startAgain(stage, stands),
        explanation: event.explanation,
      }));
    case 'stage.ended':
      return withStage(state, event.stageKey, (stage) => ({
        ...over(stage),
        state: event.state,
        endedAt: event.at,
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
