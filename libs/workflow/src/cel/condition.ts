/** What a condition may look at, as plain JSON. */
export interface ConditionContext {
  payload: unknown;
  requester: Record<string, unknown>;
  request: { title: string; workflow: string; createdAt: string; revision: number };
  stages: Record<string, { state: string }>;
  /** Steps that all evaluations with this context may take together; each takes its own from it. */
  budget?: { steps: number };
}

export type ConditionResult =
  { ok: true; value: boolean; values: { path: string; value: string }[] } | { ok: false; message: string };

export interface Condition {
  text: string;
  /** Paths such as `payload.amount`; a variable alone when all of it is read. */
  reads: string[];
  /** `values` names what the condition looked at, for people. An error at run time comes back as a sentence. */
  evaluate(context: ConditionContext): ConditionResult;
  /** Why the condition holds, or does not, in words; `title` names what depends on it, such as a stage. */
  explain(context: ConditionContext, title: string): string;
}

export type ExpressionResult = { ok: true; refs: string[] } | { ok: false; message: string };

/** CEL that names people: one ref, a list of refs, or null for nobody. */
export interface Expression {
  text: string;
  /** Paths such as `payload.ownerId`; a variable alone when all of it is read. */
  reads: string[];
  /** An error at run time comes back as a sentence. */
  evaluate(context: ConditionContext): ExpressionResult;
}
