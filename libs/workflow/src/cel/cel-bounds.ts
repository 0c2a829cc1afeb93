import type { CelExpr } from './cel-expr';

const MAX_LENGTH = 2_000;
const MAX_BRACKETS = 32;
const MAX_TERNARIES = 32;
const MAX_AST_DEPTH = 300;

/**
 * Why a text must not even be parsed, which is recursive: what would exhaust the stack is refused by counting.
 * Brackets in texts count, too.
 */
export function lexicalProblem(text: string, what: string): string | null {
  if (text.length > MAX_LENGTH) return `The ${what} is longer than ${MAX_LENGTH} characters.`;
  let depth = 0;
  let ternaries = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    else if (character === '?') ternaries += 1;
    if (depth > MAX_BRACKETS || ternaries > MAX_TERNARIES) return `The ${what} is nested too deeply.`;
  }
  return null;
}

/** The expressions that an expression is made of. */
export function childrenOf(expr: CelExpr): CelExpr[] {
  const { case: kind, value } = expr.exprKind;
  const found: (CelExpr | undefined)[] = [];
  if (kind === 'selectExpr') found.push(value.operand);
  else if (kind === 'callExpr') found.push(value.target, ...value.args);
  else if (kind === 'listExpr') found.push(...value.elements);
  else if (kind === 'structExpr') {
    for (const entry of value.entries) {
      if (entry.keyKind.case === 'mapKey') found.push(entry.keyKind.value);
      found.push(entry.value);
    }
  } else if (kind === 'comprehensionExpr') {
    found.push(value.iterRange, value.accuInit, value.loopCondition, value.loopStep, value.result);
  }
  return found.filter((child) => child !== undefined);
}

/** True if following the expression by recursion could exhaust the stack. */
export function isTooDeep(root: CelExpr): boolean {
  const open: [CelExpr, number][] = [[root, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next[1] > MAX_AST_DEPTH) return true;
    for (const child of childrenOf(next[0])) open.push([child, next[1] + 1]);
  }
  return false;
}
