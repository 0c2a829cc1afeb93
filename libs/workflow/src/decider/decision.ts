import type { CompiledDefinition } from '../definition/compiled-definition';
import type { ResolvableSource, SourceRule } from './approver-sources';
import type { DomainEvent } from './events';

/** Everything that a decision may depend on beside command and state. `now` is RFC 3339 in UTC with milliseconds. */
export interface DecideEnv {
  definition: CompiledDefinition;
  payload: unknown;
  now: string;
  newId: () => string;
}

/** Asks for the approvers of a stage; answered by an `approversResolved` command with the same `resolutionId`. */
export interface ResolveApproversEffect {
  type: 'resolveApprovers';
  resolutionId: string;
  stageKey: string;
  stageIndex: number;
  sources: ResolvableSource[];
  /** What the sources were in the definition, in their order. */
  rules: SourceRule[];
  /** User ids that must not be among the approvers. */
  exclude: string[];
  /** Whom nobody's task may go to; null where nobody stands in for anybody. */
  delegations: { workflow: string; forbidden: string[] } | null;
}

export type Effect = ResolveApproversEffect;

export type DomainErrorCode =
  | 'not_found'
  | 'validation_failed'
  | 'not_assignee'
  | 'version_mismatch'
  | 'task_closed'
  | 'stale_revision'
  | 'version_incompatible'
  | 'rate_limited'
  | 'invalid_transition';

/** A refusal: nothing happened. `pointer` is from the root of the command's HTTP body, `retryAfterS` in seconds. */
export interface DomainError {
  code: DomainErrorCode;
  detail: string;
  pointer?: string;
  retryAfterS?: number;
}

export type Decision =
  { ok: true; events: DomainEvent[]; effects: Effect[] } | { ok: false; error: DomainError };

export function refuse(code: DomainErrorCode, detail: string, pointer?: string): Decision {
  return { ok: false, error: pointer === undefined ? { code, detail } : { code, detail, pointer } };
}

export const NOTHING: Decision = { ok: true, events: [], effects: [] };
