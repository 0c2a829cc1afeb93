import { childrenOf } from './cel-bounds';
import type { CelExpr } from './cel-expr';

const ROOTS = ['payload', 'requester', 'request', 'stages'];

function constantText(expr: CelExpr | undefined): string | null {
  const kind = expr?.exprKind;
  if (kind?.case !== 'constExpr' || kind.value.constantKind.case !== 'stringValue') return null;
  return kind.value.constantKind.value;
}

/** Deeper than any JSON may be. */
const MAX_PATH = 64;

/** The names of `payload.amount` or `payload["amount"]`; null for anything that is not such a path. */
export function pathOf(expr: CelExpr | undefined): string[] | null {
  const names: string[] = [];
  for (let owner = expr; owner && names.length < MAX_PATH;) {
    const kind: CelExpr['exprKind'] = owner.exprKind;
    let name: string | null = null;
    if (kind.case === 'identExpr') return [kind.value.name, ...names.reverse()];
    if (kind.case === 'selectExpr') {
      name = kind.value.field;
      owner = kind.value.operand;
    } else if (kind.case === 'callExpr' && kind.value.function === '_[_]') {
      name = constantText(kind.value.args[1]);
      owner = kind.value.args[0];
    }
    if (name === null) return null;
    names.push(name);
  }
  return null;
}

/** The outermost paths that the expression reads below its variables; a variable alone when all of it is read. */
export function pathsOf(root: CelExpr): string[][] {
  const paths = new Map<string, string[]>();
  const open: CelExpr[] = [root];
  for (let expr = open.pop(); expr; expr = open.pop()) {
    const path = pathOf(expr);
    if (path && ROOTS.includes(path[0] ?? '')) paths.set(JSON.stringify(path), path);
    else open.push(...childrenOf(expr).reverse());
  }
  return [...paths.values()];
}

/** A path as people write it. A name with a dot in it cannot be told apart from two names: its owner stands for it. */
export function dotted(path: string[]): string {
  const at = path.findIndex((name) => name.includes('.'));
  return (at < 0 ? path : path.slice(0, at)).join('.');
}
