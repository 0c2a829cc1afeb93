import { celEnv, celFunc, CelScalar, isCelError, listType, parse, plan, type CelInput } from '@bufbuild/cel';
import { linearRegExp } from '../json-schema';
import { checkTypes, type CelExpr } from './check-types';
import type { Shape } from './shape';

/** What a condition may look at, as plain JSON. */
export interface ConditionContext {
  payload: unknown;
  requester: Record<string, unknown>;
  request: { title: string; workflow: string; createdAt: string; revision: number };
  stages: Record<string, { state: string }>;
  /** Steps that all evaluations with this context may take together; each takes its own from it. */
  budget?: { steps: number };
}

export type ConditionResult =
  { ok: true; value: boolean; values: { path: string; value: string }[] } | { ok: false; message: string };

export interface Condition {
  text: string;
  /** `values` names what the condition looked at, for people. An error at run time comes back as a sentence. */
  evaluate(context: ConditionContext): ConditionResult;
}

export type CompiledCondition =
  { ok: true; condition: Condition; unguarded: string[] } | { ok: false; messages: string[] };

const MAX_LENGTH = 2_000;
const MAX_BRACKETS = 32;
const MAX_TERNARIES = 32;
const MAX_AST_DEPTH = 300;
const MAX_SHOWN_VALUES = 5;
const MAX_SHOWN_LENGTH = 60;

/** Steps of loops, comparisons and searches that one evaluation may take: macros can be nested, lists long. */
export const MAX_STEPS = 20_000;

const TICK = 'countersign_tick';
let stepsLeft = 0;

function spend(steps: number): void {
  stepsLeft -= steps;
  if (stepsLeft < 0) throw new Error('the condition takes too many steps');
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

const baseEnv = celEnv();

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

const env = celEnv({
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

/** Parsing is recursive: what would exhaust the stack is refused by counting. Brackets in texts count, too. */
function lexicalProblem(text: string): string | null {
  if (text.length > MAX_LENGTH) return `The condition is longer than ${MAX_LENGTH} characters.`;
  let depth = 0;
  let ternaries = 0;
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    else if (character === '?') ternaries += 1;
    if (depth > MAX_BRACKETS || ternaries > MAX_TERNARIES) return 'The condition is nested too deeply.';
  }
  return null;
}

function childrenOf(expr: CelExpr): CelExpr[] {
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

function depthOf(root: CelExpr): number {
  let deepest = 0;
  const open: [CelExpr, number][] = [[root, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    deepest = Math.max(deepest, next[1]);
    for (const child of childrenOf(next[0])) open.push([child, next[1] + 1]);
  }
  return deepest;
}

/** Puts a step of the meter before the condition of every loop. The parsed expression is changed in place. */
function meter(expr: CelExpr): void {
  for (const child of childrenOf(expr)) meter(child);
  if (expr.exprKind.case !== 'comprehensionExpr') return;
  const loop = expr.exprKind.value;
  const metered = parse(`${TICK}() && true`).expr;
  if (metered.exprKind.case !== 'callExpr' || !loop.loopCondition) return;
  metered.exprKind.value.args[1] = loop.loopCondition;
  loop.loopCondition = metered;
}

/** The paths such as `payload.amount` that the expression reads, outermost first, without those of loop variables. */
function pathsOf(root: CelExpr): string[][] {
  const paths = new Map<string, string[]>();
  const pathOf = (expr: CelExpr): string[] | null => {
    if (expr.exprKind.case === 'identExpr') return [expr.exprKind.value.name];
    if (expr.exprKind.case !== 'selectExpr' || !expr.exprKind.value.operand) return null;
    const parent = pathOf(expr.exprKind.value.operand);
    return parent && [...parent, expr.exprKind.value.field];
  };
  const visit = (expr: CelExpr) => {
    const path = expr.exprKind.case === 'selectExpr' ? pathOf(expr) : null;
    if (path && ['payload', 'requester', 'request', 'stages'].includes(path[0] ?? '')) {
      paths.set(path.join('.'), path);
      return;
    }
    for (const child of childrenOf(expr)) visit(child);
  };
  visit(root);
  return [...paths.values()];
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…` : text;
}

function valueAt(context: ConditionContext, path: string[]): unknown {
  let value: unknown = context;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** JSON as CEL sees it: numbers are doubles, objects are maps. */
function toCel(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, member]) => [key, toCel(member)]));
  }
  return (value ?? null) as CelInput;
}

const converted = new WeakMap<object, CelInput>();

/** One payload is looked at by every condition of a workflow, and may be large. */
function payloadToCel(payload: unknown): CelInput {
  if (typeof payload !== 'object' || payload === null) return toCel(payload);
  let value = converted.get(payload);
  if (value === undefined) converted.set(payload, (value = toCel(payload)));
  return value;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? message).slice(0, 300).toWellFormed();
}

/**
 * Parses and checks a CEL condition against the shapes of its variables. `unguarded` lists the optional members that
 * it reads without asking `has()` first.
 */
export function compileCondition(text: string, variables: Record<string, Shape>): CompiledCondition {
  const lexical = lexicalProblem(text);
  if (lexical) return { ok: false, messages: [lexical] };
  let root: CelExpr;
  try {
    root = parse(text).expr;
  } catch (error) {
    const reason = firstLine(error).replace(/^.*?<input>:(\d+):(\d+): /, 'line $1, column $2: ');
    return { ok: false, messages: [`The condition is not valid CEL (${reason}).`] };
  }
  if (depthOf(root) > MAX_AST_DEPTH) return { ok: false, messages: ['The condition is too long.'] };
  const { type, messages, unguarded } = checkTypes(root, variables, baseEnv.funcs);
  if (messages.length > 0) return { ok: false, messages };
  if (type !== 'bool' && type !== 'dyn') {
    return { ok: false, messages: [`The condition must give true or false, but gives a ${type}.`] };
  }
  const paths = pathsOf(root);
  meter(root);
  let run: (bindings: Record<string, CelInput>) => unknown;
  try {
    run = plan(env, root) as typeof run;
  } catch (error) {
    return { ok: false, messages: [`The condition is not valid CEL (${firstLine(error)}).`] };
  }
  return { ok: true, unguarded, condition: { text, evaluate: (context) => evaluate(run, paths, context) } };
}

function evaluate(
  run: (bindings: Record<string, CelInput>) => unknown,
  paths: string[][],
  context: ConditionContext,
): ConditionResult {
  const allowed = Math.min(MAX_STEPS, context.budget?.steps ?? MAX_STEPS);
  stepsLeft = allowed;
  const result = run({
    payload: payloadToCel(context.payload),
    requester: toCel(context.requester),
    request: toCel(context.request),
    stages: toCel(context.stages),
  });
  if (context.budget) context.budget.steps -= allowed - Math.max(stepsLeft, 0);
  if (isCelError(result)) return { ok: false, message: firstLine(result) };
  if (typeof result !== 'boolean') return { ok: false, message: 'it gives neither true nor false' };
  const values = paths.slice(0, MAX_SHOWN_VALUES).map((path) => {
    return { path: path.join('.'), value: show(valueAt(context, path)) };
  });
  return { ok: true, value: result, values };
}
