import type { Person, RequestAggregate, Requester, TaskDecision } from '../aggregate';
import type { CompiledDefinition } from '../definition/compiled-definition';
import type { LeftOut } from './approver-sources';
import type { Actor } from './events';
import type { ResolutionEvidence } from './resolution-evidence';

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

/** Hands in a draft, or a returned request again. */
export interface HandInCommand extends CommandBase {
  type: 'handIn';
}

/** Changes what is given; `payload` has been validated and is wrapped, because it may be any JSON value. */
export interface ReviseCommand extends CommandBase {
  type: 'revise';
  title?: string;
  reason?: string | null;
  payload?: { value: unknown };
}

/** One person whom the sources named, each with its sentence; `sources` are indexes into the question's sources. */
export interface ResolvedPerson {
  person: Person;
  why: string[];
  sources: number[];
  /** Whom the sources named, when `person` stands in for them. */
  onBehalfOf?: Person | null;
  substitution?: string | null;
  /** User ids between the two. */
  via?: string[];
}

/** The answer to a `resolveApprovers` effect. */
export interface ApproversResolvedCommand extends CommandBase {
  type: 'approversResolved';
  resolutionId: string;
  stageKey: string;
  outcome: {
    approvers: ResolvedPerson[];
    skipped: LeftOut[];
    note?: string;
    /** Left out by directories that give none. */
    evidence?: ResolutionEvidence;
  };
  /** When that was so; RFC 3339. */
  resolvedAt?: string;
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
  /** Title and reason that the person saw, which change without a new revision; the same. */
  words?: Pick<RequestAggregate, 'title' | 'reason'>;
}

/** Gives a task to somebody else; `to` is active. */
export interface ReassignCommand extends CommandBase {
  type: 'reassign';
  taskId: string;
  to: Person;
  reason: string | null;
}

/** Reminds the assignee now, at most once an hour a task. */
export interface RemindCommand extends CommandBase {
  type: 'remind';
  taskId: string;
}

export interface CommentCommand extends CommandBase {
  type: 'comment';
  commentId: string;
  text: string;
}

export interface CancelCommand extends CommandBase {
  type: 'cancel';
  reason: string | null;
}

/** Emergency: ends the review, whoever has not answered yet. */
export interface OverrideCommand extends CommandBase {
  type: 'override';
  outcome: 'approved' | 'rejected';
  reason: string;
}

/** Moves the request to another version of its workflow. */
export interface MigrateCommand extends CommandBase {
  type: 'migrate';
  version: number;
  /** That version. */
  target: CompiledDefinition;
}

/** The clock: does everything that is due at `env.now`. */
export interface TickCommand extends CommandBase {
  type: 'tick';
}

/** Somebody has become inactive or is gone from the directory. */
export interface PersonLeftCommand extends CommandBase {
  type: 'personLeft';
  personId: string;
}

/** Delegations of somebody have begun, ended or gone. */
export interface DelegationsChangedCommand extends CommandBase {
  type: 'delegationsChanged';
  personId: string;
}

export type Command =
  | SubmitCommand
  | HandInCommand
  | ReviseCommand
  | ApproversResolvedCommand
  | DecideTaskCommand
  | ReassignCommand
  | RemindCommand
  | CommentCommand
  | CancelCommand
  | OverrideCommand
  | MigrateCommand
  | TickCommand
  | PersonLeftCommand
  | DelegationsChangedCommand;
