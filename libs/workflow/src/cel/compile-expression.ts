import { isCelList } from '@bufbuild/cel';
import { dotted } from './cel-paths';
import { compileCel } from './compile-cel';
import type { Expression, ExpressionResult } from './condition';
import type { Shape } from './shape';

export type CompiledExpression =
  { ok: true; expression: Expression; unguarded: string[] } | { ok: false; messages: string[] };

const EXPECTED = 'a text, a list of texts, or null for nobody';

function givesRefs({ type, element }: Shape): boolean {
  if (type === 'list') return element === undefined || ['string', 'dyn'].includes(element.type);
  return ['string', 'null', 'dyn'].includes(type);
}

function refsOf(value: unknown): ExpressionResult {
  if (value === null) return { ok: true, refs: [] };
  if (typeof value === 'string') return { ok: true, refs: [value] };
  if (!isCelList(value)) return { ok: false, message: `it must give ${EXPECTED}` };
  const refs = [...value].filter((ref) => ref !== null);
  if (!refs.every((ref): ref is string => typeof ref === 'string'))
    return { ok: false, message: `it must give ${EXPECTED}, but its list holds something else` };
  return { ok: true, refs };
}

/** Parses and checks CEL that names people, against the shapes of its variables; like `compileCondition`. */
export function compileExpression(text: string, variables: Record<string, Shape>): CompiledExpression {
  const compiled = compileCel(text, variables, 'expression');
  if (!compiled.ok) return compiled;
  const { shape, paths, unguarded, run } = compiled;
  if (!givesRefs(shape)) {
    const element = shape.type === 'list' && shape.element ? ` of ${shape.element.type}` : '';
    return {
      ok: false,
      messages: [`The expression must give ${EXPECTED}, but gives a ${shape.type}${element}.`],
    };
  }
  const expression: Expression = {
    text,
    reads: [...new Set(paths.map(dotted))],
    evaluate: (context) => {
      const result = run(context);
      return result.ok ? refsOf(result.value) : result;
    },
  };
  return { ok: true, expression, unguarded };
}
