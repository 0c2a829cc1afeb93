import { dotted } from './cel-paths';
import { preview, valueAt } from './cel-values';
import { compileCel } from './compile-cel';
import { explainCondition } from './explain-condition';
import type { Shape } from './shape';

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

export type CompiledCondition =
  { ok: true; condition: Condition; unguarded: string[] } | { ok: false; messages: string[] };

const MAX_SHOWN_VALUES = 5;
/**
 * Parses and checks a CEL condition against the shapes of its variables. `unguarded` lists the optional members that
 * it reads without asking `has()` first.
 */
export function compileCondition(text: string, variables: Record<string, Shape>): CompiledCondition {
  const compiled = compileCel(text, variables, 'condition');
  if (!compiled.ok) return compiled;
  const { shape, paths, unguarded, run } = compiled;
  if (shape.type !== 'bool' && shape.type !== 'dyn') {
    return { ok: false, messages: [`The condition must give true or false, but gives a ${shape.type}.`] };
  }
  const shown = paths.filter(({ length }) => length > 1).slice(0, MAX_SHOWN_VALUES);
  const evaluate = (context: ConditionContext): ConditionResult => {
    const result = run(context);
    if (!result.ok) return result;
    if (typeof result.value !== 'boolean') return { ok: false, message: 'it gives neither true nor false' };
    const values = shown.map((path) => ({ path: path.join('.'), value: preview(valueAt(context, path)) }));
    return { ok: true, value: result.value, values };
  };
  const reads = [...new Set(paths.map(dotted))];
  const condition: Condition = {
    text,
    reads,
    evaluate,
    explain: (context, title) => explainCondition({ text, evaluate }, context, title),
  };
  return { ok: true, unguarded, condition };
}
