import { isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { isTooDeep, lexicalProblem } from './cel-bounds';
import { pathsOf } from './cel-paths';
import { bindings } from './cel-values';
import type { CelExpr } from './cel-expr';
import { checkTypes } from './check-types';
import type { ConditionContext } from './condition';
import { baseEnv, MAX_STEPS, meter, meteredEnv, withSteps } from './metered-env';
import { runTimeWords } from './run-time-words';
import type { Shape } from './shape';

export type CelResult = { ok: true; value: unknown } | { ok: false; message: string };

/** CEL that has been parsed, checked and given a meter. */
export interface CompiledCel {
  ok: true;
  shape: Shape;
  /** Outermost paths, variable first. */
  paths: string[][];
  /** Optional members that are read without asking `has()`. */
  unguarded: string[];
  run(context: ConditionContext): CelResult;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? message).slice(0, 300).toWellFormed();
}

function runMetered(
  planned: (bound: Record<string, CelInput>) => unknown,
  paths: string[][],
  context: ConditionContext,
): CelResult {
  const allowed = Math.min(MAX_STEPS, context.budget?.steps ?? MAX_STEPS);
  const { result, taken } = withSteps(allowed, () => planned(bindings(context, paths)));
  if (context.budget) context.budget.steps -= taken;
  return isCelError(result)
    ? { ok: false, message: runTimeWords(firstLine(result)) }
    : { ok: true, value: result };
}

/**
 * Parses CEL and checks it against the shapes of its variables, at a bounded cost. `what` names it in the sentences:
 * a condition, an expression.
 */
export function compileCel(
  text: string,
  variables: Record<string, Shape>,
  what: string,
): CompiledCel | { ok: false; messages: string[] } {
  const lexical = lexicalProblem(text, what);
  if (lexical) return { ok: false, messages: [lexical] };
  let root: CelExpr;
  try {
    root = parse(text).expr;
  } catch (error) {
    const reason = firstLine(error).replace(/^.*?<input>:(\d+):(\d+): /, 'line $1, column $2: ');
    return { ok: false, messages: [`The ${what} is not valid CEL (${reason}).`] };
  }
  if (isTooDeep(root)) return { ok: false, messages: [`The ${what} is too long.`] };
  const { shape, messages, unguarded } = checkTypes(root, variables, baseEnv.funcs);
  if (messages.length > 0) return { ok: false, messages };
  const paths = pathsOf(root);
  meter(root);
  try {
    const planned = plan(meteredEnv, root) as (bound: Record<string, CelInput>) => unknown;
    return { ok: true, shape, paths, unguarded, run: (context) => runMetered(planned, paths, context) };
  } catch (error) {
    return { ok: false, messages: [`The ${what} is not valid CEL (${firstLine(error)}).`] };
  }
}
