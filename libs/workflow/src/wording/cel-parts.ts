import type { CelExpr } from '../cel/cel-expr';

const ROOTS = ['payload', 'requester', 'request', 'stages'];

/** What a constant holds as JSON; undefined for anything that is no constant or has no JSON of its own. */
export function constantOf(expr: CelExpr): string | number | boolean | null | undefined {
  if (expr.exprKind.case === 'callExpr' && expr.exprKind.value.function === '-_') {
    const inner = expr.exprKind.value.args[0];
    const value = inner && constantOf(inner);
    return typeof value === 'number' ? -value : undefined;
  }
  if (expr.exprKind.case !== 'constExpr') return undefined;
  const constant = expr.exprKind.value.constantKind;
  if (constant.case === 'nullValue') return null;
  if (constant.case === 'boolValue' || constant.case === 'stringValue' || constant.case === 'doubleValue')
    return constant.value;
  if (constant.case !== 'int64Value' && constant.case !== 'uint64Value') return undefined;
  const value = Number(constant.value);
  return Number.isSafeInteger(value) ? value : undefined;
}

function pathOf(expr: CelExpr): string[] | null {
  const kind = expr.exprKind;
  if (kind.case === 'identExpr') return [kind.value.name];
  if (kind.case === 'selectExpr') {
    const parent = kind.value.operand && !kind.value.testOnly ? pathOf(kind.value.operand) : null;
    return parent && [...parent, kind.value.field];
  }
  if (kind.case === 'callExpr' && kind.value.function === '_[_]') {
    const [operand, key] = kind.value.args;
    const name = key && constantOf(key);
    const parent = operand && typeof name === 'string' ? pathOf(operand) : null;
    return parent && typeof name === 'string' ? [...parent, name] : null;
  }
  return null;
}

/** `payload.amount`, also written `payload["amount"]`; null for what is not a path, or has names with dots. */
export function dottedPath(expr: CelExpr): string | null {
  const path = pathOf(expr);
  if (!path || !ROOTS.includes(path[0] ?? '') || path.some((name) => name.includes('.'))) return null;
  return path.join('.');
}

/** And, or. */
export type ChainOperator = '_&&_' | '_||_';

/** The operands of a chain of the same operator; the expression alone when it is no such chain. */
export function operandsOf(expr: CelExpr, operator: ChainOperator): CelExpr[] {
  if (expr.exprKind.case !== 'callExpr' || expr.exprKind.value.function !== operator) return [expr];
  return expr.exprKind.value.args.flatMap((arg) => operandsOf(arg, operator));
}
