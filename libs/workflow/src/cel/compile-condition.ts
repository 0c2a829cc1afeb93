import { parse } from '@bufbuild/cel';
import { dotted } from './cel-paths';
import { preview, valueAt } from './cel-values';
import { compileCel } from './compile-cel';
import type { Condition, ConditionContext, ConditionResult } from './condition';
import { conditionParts, type ConditionPart } from './condition-parts';
import { explainCondition } from './explain-condition';
import type { Shape } from './shape';

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
  // Parsed when first explained, and once: it took a twentieth of routing's time.
  let known: ConditionPart | null | undefined;
  const parts = () => (known === undefined ? (known = conditionParts(parse(text).expr)) : known);
  const reads = [...new Set(paths.map(dotted))];
  const condition: Condition = {
    text,
    reads,
    evaluate,
    explain: (context, title) => explainCondition({ text, evaluate, parts }, context, title),
  };
  return { ok: true, unguarded, condition };
}
