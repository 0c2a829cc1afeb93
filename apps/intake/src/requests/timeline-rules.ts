import type { TransitionEvent } from '@countersign/contracts';
import type { EventType, ResolutionEvidence } from '@countersign/workflow';

type Detail = TransitionEvent['data'];

const isShown = () => true;
/** How a request is kept going, or told by another entry. */
const isBookkeeping = () => false;

const isFilled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

/** Somebody else's server was asked. */
const hasCalls = (evidence: ResolutionEvidence | null | undefined): boolean =>
  (evidence?.sources ?? []).some(({ webhook }) => isFilled(webhook?.calls));

/**
 * Which events a reader of the timeline is told: a closed list. What happened to the request, who was left out and why,
 * what a resolver had to say; not what only keeps the aggregate. An event type that is missing here does not compile.
 */
const rules: { readonly [T in EventType]: (data: Detail) => boolean } = {
  'request.created': isShown,
  'request.submitted': isShown,
  'request.stage_started': isShown,
  'request.stage_approved': isShown,
  'request.revised': isShown,
  'request.returned': isShown,
  'request.approved': isShown,
  'request.rejected': isShown,
  'request.canceled': isShown,
  'request.expired': isShown,
  'request.failed': isShown,
  'request.completed': isShown,
  'request.overridden': isShown,
  'request.commented': isShown,
  'request.edited': isShown,
  'request.migrated': isShown,
  'task.assigned': isShown,
  'task.decided': isShown,
  'task.reminded': isShown,
  'task.overdue': isShown,
  'task.escalated': isShown,
  'task.reassigned': isShown,
  'task.dismissed': isShown,
  'task.expired': isShown,
  'task.closed': isBookkeeping,
  'stage.skipped': isShown,
  'stage.awaiting_approvers': isBookkeeping,
  'stage.resolved': ({ leftOut, note, evidence }) =>
    isFilled(leftOut) || typeof note === 'string' || hasCalls(evidence as ResolutionEvidence | null),
  'stage.quorum_changed': isBookkeeping,
  'stage.queue_changed': isBookkeeping,
  'stage.due_changed': isShown,
  'stage.escalated': isBookkeeping,
  'stage.notified': ({ people }) => isFilled(people),
  'stage.reopened': isShown,
  // Every other end of a stage has an event of its own; that nobody has approved it only this one says.
  'stage.ended': ({ state, explanation }) => state === 'approved' && typeof explanation === 'string',
};

/** Whether an event is an entry of the timeline. */
export const isTimelineEntry = ({ type, data }: Pick<TransitionEvent, 'type' | 'data'>): boolean =>
  Object.hasOwn(rules, type) && rules[type as EventType](data);
