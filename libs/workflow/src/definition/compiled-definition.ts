import type { TaskDecision } from '../aggregate';
import type { Condition, Expression } from '../cel/condition';
import type { WorkingCalendar } from '../calendar/working-calendar';
import type { Problem } from '../problem';
import type {
  CommentRule,
  ExpiryOutcome,
  OnChange,
  OnNoStage,
  OnReject,
  Quorum,
  QuorumPart,
  RefOrField,
  RejectRule,
  SelfApproval,
} from './workflow-definition';

/** A source with its conditions compiled and its defaults filled in. */
export type CompiledSource =
  | { user: RefOrField }
  | { group: RefOrField }
  | { role: string }
  | { manager: { of: 'requester' | 'assignee'; levels: number } }
  | { manager: { of: 'requester' | 'assignee'; untilLimit: string | number } }
  | { expression: Expression }
  | { matrix: { when: Condition; to: CompiledSource[] }[] }
  | { webhook: { url: string; format: 'easylife' | 'countersign'; timeout: string } };

export interface CompiledEscalation {
  /** Its index in the definition. */
  place: number;
  after: string;
  to: CompiledSource[];
  mode: 'add' | 'replace';
}

/** A stage with every default filled in. */
export interface CompiledStage {
  key: string;
  title: string;
  /** Stages of the same step run side by side. */
  step: number;
  when: Condition | null;
  approvers: CompiledSource[];
  order: 'parallel' | 'sequential';
  quorum: Exclude<Quorum, { each: unknown }> | { each: QuorumPart[] };
  reject: RejectRule;
  selfApproval: SelfApproval;
  /** Stages whose deciders may not decide here, whichever of the two names the other. */
  distinctFrom: string[];
  onNoApprovers: 'fail' | 'skip' | 'approve' | { fallback: CompiledSource[] };
  onReject: OnReject;
  sla: string | { field: string } | null;
  remind: { after: string; every: string | null; max: number } | null;
  /** By time: the earliest first. */
  escalate: CompiledEscalation[];
  expire: { after: string; outcome: ExpiryOutcome } | null;
  comment: CommentRule;
  notify: CompiledSource[];
  calendar: WorkingCalendar | null;
  /**
   * What the rules of this stage look at: paths such as `payload.amount` or `stages.finance.state`, of `when`, sources
   * and declared `reads`. `payload` alone: all of it, as for a webhook that is sent it.
   */
  reads: string[];
  /** Optional members of the payload that conditions read without `has()`, each with the pointer of its condition. */
  unguarded: { pointer: string; path: string }[];
}

/** A definition ready to run. It holds functions: keep it in memory, by workspace, key and version. */
export interface CompiledDefinition {
  key: string;
  title: string;
  onNoStage: OnNoStage;
  onChange: OnChange;
  maxRevisions: number;
  /** Those that a decision may carry; null for any. */
  reasonCodes: Record<TaskDecision, string[] | null>;
  /** Flat, as requests list them. */
  stages: CompiledStage[];
  /** Every violation of the subject, with pointers from the payload's root. */
  validatePayload(payload: unknown): Problem[];
}
