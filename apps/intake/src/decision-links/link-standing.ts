import type { RequestSnapshot, StageSnapshot, TaskSnapshot, DecisionKind } from '@countersign/contracts';
import type { CompiledDefinition } from '@countersign/workflow';

/** What a link leads to, as read. */
export interface LinkedTask {
  task: TaskSnapshot;
  stage: StageSnapshot;
  request: RequestSnapshot;
  /** The newest. */
  payload: unknown;
  /** As it was shown; null when that is the newest, or is not kept. */
  payloadSeen: { value: unknown } | null;
  /** The same; null when nobody knows. */
  wordsSeen: Pick<RequestSnapshot, 'title' | 'reason'> | null;
  workflowTitle: string;
  rules: DecisionRules;
  /** A decision by this link is on its way. */
  isBusy: boolean;
}

/** What the workflow demands of a decision. */
export interface DecisionRules {
  comment: CompiledDefinition['stages'][number]['comment'];
  /** Those that a decision may carry; null: any, or none that are declared. */
  reasonCodes: Record<DecisionKind, string[] | null>;
}

/**
 * How things stand for the person of a link:
 * - `open`: they may decide
 * - `busy`: they have, and it is being carried out
 * - `decided`: by them or by somebody else who may
 * - `moved`: somebody else has the task now; nothing of the request is theirs to see
 * - `closed`: ended without a decision
 */
export type Standing = 'open' | 'busy' | 'decided' | 'moved' | 'closed';

export const standingOf = ({ task, isBusy }: LinkedTask, personId: string): Standing => {
  const holders = [task.assignee.id, task.onBehalfOf?.id, task.decidedBy?.id];
  if (task.state === 'reassigned' || !holders.includes(personId)) return 'moved';
  if (task.state === 'open') return isBusy ? 'busy' : 'open';
  return task.state === 'approved' || task.state === 'rejected' || task.state === 'returned'
    ? 'decided'
    : 'closed';
};
