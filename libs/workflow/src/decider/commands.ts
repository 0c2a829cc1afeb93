import type { Person, RequestAggregate, Requester, TaskDecision } from '../aggregate';
import type { LeftOut } from './approver-sources';
import type { Actor } from './events';

interface CommandBase {
  actor: Actor;
  /** From `If-Match`: the version that the command was decided on. */
  expectedVersion?: number;
}

/** Creates the request. With `draft` it goes no further. */
export interface SubmitCommand extends CommandBase {
  type: 'submit';
  requestId: string;
  workspaceId: string;
  workflow: RequestAggregate['workflow'];
  title: string;
  reason: string | null;
  requester: Requester;
  externalRef: string | null;
  metadata: Record<string, unknown>;
  createdAt: string;
  draft?: boolean;
}

export interface SubmitDraftCommand extends CommandBase {
  type: 'submitDraft';
}

/** The answer to a `resolveApprovers` effect. */
export interface ApproversResolvedCommand extends CommandBase {
  type: 'approversResolved';
  resolutionId: string;
  stageKey: string;
  outcome: { approvers: { person: Person; why: string }[]; skipped: LeftOut[]; note?: string };
}

/** One person's answer. The person is `actor.id`. */
export interface DecideTaskCommand extends CommandBase {
  type: 'decideTask';
  taskId: string;
  decision: TaskDecision;
  comment?: string | null;
  reasonCode?: string | null;
  /** The revision that the person saw; left out means the current one. */
  revision?: number;
}

export interface CancelCommand extends CommandBase {
  type: 'cancel';
  reason: string | null;
}

export type Command =
  SubmitCommand | SubmitDraftCommand | ApproversResolvedCommand | DecideTaskCommand | CancelCommand;
