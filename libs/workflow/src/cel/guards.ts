import { pathOf } from './cel-paths';
import type { CelExpr } from './cel-expr';

function withOwners(path: string[]): string[] {
  return path.slice(1).map((_name, index) => path.slice(0, index + 2).join('.'));
}

function both(a: string[], b: string[]): string[] {
  return a.filter((path) => b.includes(path));
}

/** What is known of a member that was found not to be null. */
export const notNull = (path: string): string => `${path} != null`;

function isNull(expr: CelExpr | undefined): boolean {
  return expr?.exprKind.case === 'constExpr' && expr.exprKind.value.constantKind.case === 'nullValue';
}

/**
 * What surely holds of members when a condition is true, or when it is false: that they are there, by their path, because
 * `has()` was asked, or that they are `notNull`, because they were compared with it.
 */
export function presentWhen(expr: CelExpr | undefined, truth: boolean): string[] {
  const kind = expr?.exprKind;
  if (kind?.case === 'selectExpr' && kind.value.testOnly) {
    const path = truth ? pathOf(expr) : null;
    return path ? withOwners(path) : [];
  }
  if (kind?.case !== 'callExpr') return [];
  const { function: name, args } = kind.value;
  const [first, second] = args;
  switch (name) {
    case '!_':
      return presentWhen(first, !truth);
    case '_&&_':
    case '_||_': {
      const [left, right] = [presentWhen(first, truth), presentWhen(second, truth)];
      return (name === '_&&_') === truth ? [...left, ...right] : both(left, right);
    }
    case '_==_':
    case '_!=_': {
      const path = isNull(second) ? pathOf(first) : isNull(first) ? pathOf(second) : null;
      return path && (name === '_!=_') === truth ? [notNull(path.join('.'))] : [];
    }
    case '@in': {
      const owner = pathOf(second);
      const key = first?.exprKind.case === 'constExpr' ? first.exprKind.value.constantKind : undefined;
      return truth && owner && key?.case === 'stringValue' ? withOwners([...owner, key.value]) : [];
    }
    default:
      return [];
  }
}
