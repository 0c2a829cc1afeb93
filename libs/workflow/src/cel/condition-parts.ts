import { pathOf } from './cel-paths';
import type { CelExpr } from './cel-expr';

export type Literal = string | number | boolean | null;
export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!=';

/** What something is compared with: a literal, or what another path holds. */
export type Operand = { literal: Literal } | { path: string[] };

/** A condition taken apart into what people can be told; negations have been moved into the comparisons. */
export type ConditionPart =
  | { kind: 'all' | 'any'; parts: ConditionPart[] }
  | { kind: 'compare'; path: string[]; operator: Operator; operand: Operand }
  | { kind: 'oneOf'; path: string[]; values: Literal[]; negated: boolean }
  | { kind: 'includes'; path: string[]; value: Literal; negated: boolean }
  | { kind: 'given'; path: string[]; negated: boolean };

const OPERATORS: Record<string, Operator> = {
  '_<_': '<',
  '_<=_': '<=',
  '_>_': '>',
  '_>=_': '>=',
  '_==_': '==',
  '_!=_': '!=',
};
const MIRRORED: Record<Operator, Operator> = {
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
  '==': '==',
  '!=': '!=',
};
const NEGATED: Record<Operator, Operator> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '==': '!=',
  '!=': '==',
};

function literalOf(expr: CelExpr | undefined): Literal | undefined {
  const kind = expr?.exprKind;
  if (kind?.case === 'callExpr' && kind.value.function === '-_') {
    const value = literalOf(kind.value.args[0]);
    return typeof value === 'number' ? -value : undefined;
  }
  if (kind?.case !== 'constExpr') return undefined;
  const constant = kind.value.constantKind;
  if (constant.case === 'nullValue') return null;
  if (constant.case === 'int64Value' || constant.case === 'uint64Value') return Number(constant.value);
  const isPlain = ['boolValue', 'stringValue', 'doubleValue'].includes(constant.case ?? '');
  return isPlain ? (constant.value as Literal) : undefined;
}

/** A path below a variable that is read, not asked for. */
function memberOf(expr: CelExpr | undefined): string[] | null {
  if (expr?.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly) return null;
  const path = pathOf(expr);
  return path && path.length > 1 && ['payload', 'requester', 'request', 'stages'].includes(path[0] ?? '')
    ? path
    : null;
}

function comparison(
  left: CelExpr | undefined,
  operator: Operator,
  right: CelExpr | undefined,
): ConditionPart | null {
  const path = memberOf(left);
  const literal = literalOf(right);
  if (path && literal !== undefined) return { kind: 'compare', path, operator, operand: { literal } };
  const other = memberOf(right);
  if (path && other) return { kind: 'compare', path, operator, operand: { path: other } };
  return other && literalOf(left) !== undefined ? comparison(right, MIRRORED[operator], left) : null;
}

function membership(args: CelExpr[], negated: boolean): ConditionPart | null {
  const [item, list] = args;
  const path = memberOf(item);
  if (path && list?.exprKind.case === 'listExpr') {
    const values = list.exprKind.value.elements.map(literalOf);
    const known = values.filter((value) => value !== undefined);
    return known.length > 0 && known.length === values.length
      ? { kind: 'oneOf', path, values: known, negated }
      : null;
  }
  const value = literalOf(item);
  const owner = memberOf(list);
  return owner && value !== undefined ? { kind: 'includes', path: owner, value, negated } : null;
}

function several(kind: 'all' | 'any', args: CelExpr[], negated: boolean): ConditionPart | null {
  const parts: ConditionPart[] = [];
  for (const arg of args) {
    const part = conditionParts(arg, negated);
    if (!part) return null;
    if (part.kind === kind) parts.push(...part.parts);
    else parts.push(part);
  }
  return { kind, parts };
}

/** Takes a condition apart; null if anything in it is more than comparisons of paths. */
export function conditionParts(expr: CelExpr, negated = false): ConditionPart | null {
  const kind = expr.exprKind;
  if (kind.case === 'selectExpr' && kind.value.testOnly) {
    const path = pathOf(expr);
    return path && { kind: 'given', path, negated };
  }
  const flag = memberOf(expr);
  if (flag) return { kind: 'compare', path: flag, operator: '==', operand: { literal: !negated } };
  if (kind.case !== 'callExpr') return null;
  const { function: name, args } = kind.value;
  if (name === '!_') return args[0] ? conditionParts(args[0], !negated) : null;
  if (name === '_&&_') return several(negated ? 'any' : 'all', args, negated);
  if (name === '_||_') return several(negated ? 'all' : 'any', args, negated);
  if (name === '@in') return membership(args, negated);
  const operator = OPERATORS[name];
  return operator ? comparison(args[0], negated ? NEGATED[operator] : operator, args[1]) : null;
}
