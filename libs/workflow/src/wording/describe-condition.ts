import { parse, unparse } from '@bufbuild/cel';
import type { CelExpr } from '../cel/cel-expr';
import { constantOf, dottedPath, operandsOf, type ChainOperator } from './cel-parts';
import { describePath } from './describe-path';
import { describeValue } from './describe-value';
import { list } from './phrase';

const COMPARISONS: Record<string, string> = {
  '_==_': 'is',
  '_!=_': 'is not',
  '_>_': 'is above',
  '_>=_': 'is at least',
  '_<_': 'is below',
  '_<=_': 'is at most',
};
const MIRRORED: Record<string, string> = {
  '_==_': '_==_',
  '_!=_': '_!=_',
  '_>_': '_<_',
  '_>=_': '_<=_',
  '_<_': '_>_',
  '_<=_': '_>=_',
};

/** One comparison of something with a constant, such as `amount`, `is above`, `1000`. */
export interface SimpleCondition {
  what: string;
  comparison: string;
  value: string;
}

function simple(expr: CelExpr): SimpleCondition | null {
  if (expr.exprKind.case !== 'callExpr' || expr.exprKind.value.args.length !== 2) return null;
  const { function: name, args } = expr.exprKind.value;
  const [left, right] = args;
  if (!left || !right || !Object.hasOwn(COMPARISONS, name)) return null;
  for (const [side, other, operator] of [
    [left, right, name],
    [right, left, MIRRORED[name]],
  ] as const) {
    const path = dottedPath(side);
    const constant = constantOf(other);
    if (path === null || constant === undefined || operator === undefined) continue;
    const what = describePath(path);
    if (constant === null && operator === '_!=_') return { what, comparison: 'is', value: 'set' };
    return { what, comparison: COMPARISONS[operator] ?? operator, value: describeValue(constant) };
  }
  return null;
}

function membership(args: CelExpr[], negated: boolean): string | null {
  const [left, right] = args;
  if (right?.exprKind.case !== 'listExpr') return null;
  const path = left && dottedPath(left);
  const values = right.exprKind.value.elements.map(constantOf);
  if (!path || values.length === 0 || !values.every((value) => value !== undefined)) return null;
  const is = negated ? (values.length > 1 ? 'is neither' : 'is not') : 'is';
  return `${describePath(path)} ${is} ${list(values.map(describeValue), negated ? 'nor' : 'or')}`;
}

function asked(expr: CelExpr | undefined, given: string): string | null {
  if (expr?.exprKind.case !== 'selectExpr' || !expr.exprKind.value.testOnly) return null;
  const { operand, field } = expr.exprKind.value;
  const parent = operand ? dottedPath(operand) : null;
  return parent && `${describePath(`${parent}.${field}`)} ${given}`;
}

function negation(operand: CelExpr | undefined): string | null {
  const path = operand && dottedPath(operand);
  if (path) return `${describePath(path)} is false`;
  if (operand?.exprKind.case === 'callExpr' && operand.exprKind.value.function === '@in')
    return membership(operand.exprKind.value.args, true);
  return asked(operand, 'is not given');
}

/** Alternatives within a list of conditions, and the other way round, stand in brackets. */
function joined(expr: CelExpr, name: ChainOperator, word: string, other: ChainOperator): string {
  const parts = operandsOf(expr, name).map((part) =>
    operandsOf(part, other).length > 1 ? `(${describe(part)})` : describe(part),
  );
  return list(parts, word);
}

function describe(expr: CelExpr): string {
  const comparison = simple(expr);
  if (comparison) return `${comparison.what} ${comparison.comparison} ${comparison.value}`;
  const path = dottedPath(expr);
  if (path !== null) return `${describePath(path)} is true`;
  let found = asked(expr, 'is given');
  if (expr.exprKind.case === 'callExpr') {
    const { function: name, args } = expr.exprKind.value;
    if (name === '_&&_') return joined(expr, '_&&_', 'and', '_||_');
    if (name === '_||_') return joined(expr, '_||_', 'or', '_&&_');
    if (name === '@in') found = membership(args, false);
    if (name === '!_') found = negation(args[0]);
  }
  return found ?? `“${unparse(expr)}” holds`;
}

function parsed(text: string): CelExpr | null {
  try {
    return parse(text).expr;
  } catch {
    return null;
  }
}

/**
 * A valid CEL condition in the words of a business person, to follow "when": `amount is above 1000 and region is
 * "EMEA"`. What has no words of its own is quoted as CEL.
 */
export function describeCondition(text: string): string {
  const root = parsed(text);
  try {
    if (root) return describe(root);
  } catch {
    // Loops can be written back only as a whole.
  }
  return `“${text.trim()}” holds`;
}

/** The condition taken apart, if it is one comparison of something with a constant. */
export function simpleCondition(text: string): SimpleCondition | null {
  const root = parsed(text);
  return root && simple(root);
}
