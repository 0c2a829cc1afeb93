import { celEnv, isCelError, plan } from '@bufbuild/cel';
import type { CelExpr } from '../cel/cel-expr';
import { constantOf, dottedPath, operandsOf } from '../wording/cel-parts';
import type { Domains, Scalar } from './value-domain';

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A condition as far as its truth can be followed; `opaque` is what cannot be looked into, the same for the same text. */
export type Formula =
  | { kind: 'constant'; value: boolean }
  | { kind: 'all' | 'some'; parts: Formula[] }
  | { kind: 'compare'; path: string; comparison: Comparison; value: Scalar }
  | { kind: 'among'; path: string; values: Scalar[]; holds: boolean }
  | { kind: 'opaque'; text: string; holds: boolean };

const OPERATORS: Record<string, Comparison> = {
  '_==_': '==',
  '_!=_': '!=',
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
};
const MIRRORED: Record<Comparison, Comparison> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const NEGATED: Record<Comparison, Comparison> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

const env = celEnv();

/** Equal for equal expressions, wherever they stand in the text. */
function fingerprint(expr: CelExpr): string {
  return JSON.stringify(expr, (key, value: unknown) => {
    if (key === 'id' || key.startsWith('$')) return undefined;
    return typeof value === 'bigint' ? `${value}n` : value;
  });
}

/** True for constants and what is made of them, without loops: the only thing that is safe to evaluate here. */
function isConstant(expr: CelExpr): boolean {
  const { case: kind, value } = expr.exprKind;
  if (kind === 'constExpr') return true;
  if (kind === 'listExpr') return value.elements.every(isConstant);
  if (kind !== 'callExpr') return false;
  return (!value.target || isConstant(value.target)) && value.args.every(isConstant);
}

function constantTruth(expr: CelExpr): boolean | null {
  if (!isConstant(expr)) return null;
  try {
    const result = plan(env, expr)();
    return !isCelError(result) && typeof result === 'boolean' ? result : null;
  } catch {
    return null;
  }
}

function comparison(expr: CelExpr, positive: boolean): Formula | null {
  if (expr.exprKind.case !== 'callExpr') return null;
  const { function: name, args } = expr.exprKind.value;
  const [left, right] = args;
  const operator = OPERATORS[name];
  if (!operator || !left || !right) return null;
  for (const [side, other, mirrored] of [
    [left, right, operator],
    [right, left, MIRRORED[operator]],
  ] as const) {
    const path = dottedPath(side);
    const value = constantOf(other);
    if (path === null || value === undefined) continue;
    // The order of texts is not followed.
    if (typeof value !== 'number' && mirrored !== '==' && mirrored !== '!=') return null;
    return { kind: 'compare', path, comparison: positive ? mirrored : NEGATED[mirrored], value };
  }
  return null;
}

function membership(args: CelExpr[], holds: boolean): Formula | null {
  const [left, right] = args;
  const path = left ? dottedPath(left) : null;
  if (path === null || right?.exprKind.case !== 'listExpr') return null;
  const values = right.exprKind.value.elements.map(constantOf);
  return values.every((value) => value !== undefined) ? { kind: 'among', path, values, holds } : null;
}

/** The formula of an expression, or of its opposite. */
export function formulaOf(expr: CelExpr, domains: Domains, positive = true): Formula {
  const truth = constantTruth(expr);
  if (truth !== null) return { kind: 'constant', value: truth === positive };
  const path = dottedPath(expr);
  if (path !== null) return { kind: 'compare', path, comparison: '==', value: positive };
  const { case: kind, value } = expr.exprKind;
  if (kind === 'selectExpr' && value.testOnly && value.operand) {
    const parent = dottedPath(value.operand);
    if (parent !== null && domains.always(`${parent}.${value.field}`))
      return { kind: 'constant', value: positive };
  }
  if (kind === 'callExpr') {
    const { function: name, args } = value;
    if (name === '_&&_' || name === '_||_') {
      const parts = operandsOf(expr, name).map((operand) => formulaOf(operand, domains, positive));
      return { kind: (name === '_&&_') === positive ? 'all' : 'some', parts };
    }
    const [first, second, third] = args;
    if (name === '!_' && first) return formulaOf(first, domains, !positive);
    if (name === '_?_:_' && first && second && third) {
      const branch = (when: boolean, then: CelExpr): Formula => ({
        kind: 'all',
        parts: [formulaOf(first, domains, when), formulaOf(then, domains, positive)],
      });
      return { kind: 'some', parts: [branch(true, second), branch(false, third)] };
    }
    const found = comparison(expr, positive) ?? (name === '@in' ? membership(args, positive) : null);
    if (found) return found;
  }
  return { kind: 'opaque', text: fingerprint(expr), holds: positive };
}

/** The opposite of a formula. */
export function negated(formula: Formula): Formula {
  switch (formula.kind) {
    case 'constant':
      return { ...formula, value: !formula.value };
    case 'all':
    case 'some':
      return { kind: formula.kind === 'all' ? 'some' : 'all', parts: formula.parts.map(negated) };
    case 'compare':
      return { ...formula, comparison: NEGATED[formula.comparison] };
    case 'among':
    case 'opaque':
      return { ...formula, holds: !formula.holds };
  }
}
