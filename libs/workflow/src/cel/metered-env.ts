import { celEnv, celFunc, CelScalar, listType, parse } from '@bufbuild/cel';
import { linearRegExp } from '../json-schema';
import { childrenOf } from './cel-bounds';
import type { CelExpr } from './cel-expr';

/** Steps of loops, comparisons and searches that one evaluation may take: macros can be nested, lists long. */
export const MAX_STEPS = 20_000;

const TICK = 'countersign_tick';
let stepsLeft = 0;

function spend(steps: number): void {
  stepsLeft -= steps;
  if (stepsLeft < 0) throw new Error('it takes too many steps');
}

/** Runs `work` with so many steps at most, and tells how many it took. Evaluations are never nested. */
export function withSteps<T>(allowed: number, work: () => T): { result: T; taken: number } {
  stepsLeft = allowed;
  const result = work();
  return { result, taken: allowed - Math.max(stepsLeft, 0) };
}

const patterns = new Map<string, { test(text: string): boolean }>();

function cachedPattern(pattern: string) {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    spend(100);
    if (patterns.size >= 100) patterns.clear();
    patterns.set(pattern, (compiled = linearRegExp(pattern)));
  }
  return compiled;
}

/** What the language offers. */
export const baseEnv = celEnv();

/** `x in list` and `list == list` are loops too. */
const meteredFuncs = [
  celFunc(TICK, [], CelScalar.BOOL, () => {
    spend(1);
    return true;
  }),
  celFunc('@in', [CelScalar.DYN, listType(CelScalar.DYN)], CelScalar.BOOL, (value, list) => {
    spend(list.size);
    return baseEnv.funcs.find('@in')?.call(0, undefined, [value, list]) === true;
  }),
];

/** The same with a meter: what takes more than its steps ends with an error. */
export const meteredEnv = celEnv({
  funcs: meteredFuncs,
  re2: {
    compile: (pattern) => {
      const compiled = cachedPattern(pattern);
      return {
        test: (text) => {
          spend(1 + Math.ceil(text.length / 256));
          return compiled.test(text);
        },
      };
    },
  },
});

/** Puts a step of the meter before the condition of every loop. The parsed expression is changed in place. */
export function meter(expr: CelExpr): void {
  for (const child of childrenOf(expr)) meter(child);
  if (expr.exprKind.case !== 'comprehensionExpr') return;
  const loop = expr.exprKind.value;
  const metered = parse(`${TICK}() && true`).expr;
  if (metered.exprKind.case !== 'callExpr' || !loop.loopCondition) return;
  metered.exprKind.value.args[1] = loop.loopCondition;
  loop.loopCondition = metered;
}
