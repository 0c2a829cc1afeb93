import type { ConditionContext } from '../cel/condition';
import type { CompiledSource } from '../definition/compiled-definition';
import type { RefOrField } from '../definition/workflow-definition';
import type { AskedSources } from './asked-sources';

/**
 * A source that needs nothing but the directory (or the webhook) to be resolved: fields are looked up, conditions decided,
 * defaults filled in. `of` is a user id; `by` is what names a user that the workflow does not name itself.
 */
export type ResolvableSource =
  | { user: string; by?: string }
  | { group: string }
  | { role: string }
  | { manager: { of: string; levels: number } }
  | { manager: { of: string; untilLimit: number } }
  | { webhook: { url: string; format: 'easylife' | 'countersign'; timeout: string } };

/** Somebody, or something naming somebody, that was left out, and why. */
export interface LeftOut {
  ref: string;
  why: string;
}

/** A source of the definition by its place in its stage, and how many resolvable sources it has become. */
export interface SourceRule {
  rule: string;
  count: number;
}

/** What sources are looked at with. User ids. */
export interface SourceContext {
  conditions: ConditionContext;
  requester: string;
  assignees: readonly string[];
}

/** An expression that could not be evaluated ends the request; everything else only leaves somebody out. */
export type ResolvableSources =
  | { ok: true; sources: ResolvableSource[]; rules: SourceRule[]; leftOut: LeftOut[] }
  | { ok: false; detail: string };

/** More refs than this in one field are left out. */
const MAX_FIELD_REFS = 1_000;

/** The value at a path such as `payload.owner.id`; undefined when there is none. */
export function valueAtPath(path: string, payload: unknown): unknown {
  let value: unknown = { payload };
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** More of an expression than this is not quoted. */
const MAX_QUOTED = 100;

function shownExpression(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return `the expression “${line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line}”`;
}

class Reader {
  readonly leftOut: LeftOut[] = [];
  readonly rules: SourceRule[] = [];

  constructor(private readonly context: SourceContext) {}

  /** Throws EvaluationError. */
  read(sources: readonly CompiledSource[], place: string): ResolvableSource[] {
    return sources.flatMap((source, index) => {
      const rule = `${place}.${index}`;
      if ('matrix' in source) return this.readMatrix(source.matrix, rule);
      const found = this.readOne(source);
      if (found.length > 0) this.rules.push({ rule, count: found.length });
      return found;
    });
  }

  private readMatrix(
    rows: Extract<CompiledSource, { matrix: unknown }>['matrix'],
    rule: string,
  ): ResolvableSource[] {
    for (const [index, { when, to }] of rows.entries()) {
      const result = when.evaluate(this.context.conditions);
      if (!result.ok) throw EvaluationError.of(when.text, result.message);
      if (result.value) return this.read(to, `${rule}.matrix.${index}.to`);
    }
    this.leftOut.push({ ref: 'matrix', why: 'no row of the matrix applies' });
    return [];
  }

  private readOne(source: Exclude<CompiledSource, { matrix: unknown }>): ResolvableSource[] {
    if ('user' in source) {
      const by = typeof source.user === 'object' ? { by: source.user.field } : {};
      return this.refs(source.user).map((user) => ({ user, ...by }));
    }
    if ('group' in source) return this.refs(source.group).map((group) => ({ group }));
    if ('role' in source) return [{ role: source.role }];
    if ('expression' in source) {
      const result = source.expression.evaluate(this.context.conditions);
      if (!result.ok) throw EvaluationError.of(source.expression.text, result.message);
      const by = shownExpression(source.expression.text);
      return this.bounded(source.expression.text, result.refs).map((user) => ({ user, by }));
    }
    if ('manager' in source) return this.managers(source.manager);
    return [{ webhook: source.webhook }];
  }

  private managers(manager: Extract<CompiledSource, { manager: unknown }>['manager']): ResolvableSource[] {
    const people = manager.of === 'assignee' ? this.context.assignees : [this.context.requester];
    if ('levels' in manager) return people.map((of) => ({ manager: { of, levels: manager.levels } }));
    const limit =
      typeof manager.untilLimit === 'number'
        ? manager.untilLimit
        : valueAtPath(manager.untilLimit, this.context.conditions.payload);
    if (typeof limit !== 'number') {
      const path = String(manager.untilLimit);
      this.leftOut.push({ ref: path, why: `${path} is not a number` });
      return [];
    }
    return people.map((of) => ({ manager: { of, untilLimit: limit } }));
  }

  private refs(ref: RefOrField): string[] {
    if (typeof ref === 'string') return [ref];
    const value = valueAtPath(ref.field, this.context.conditions.payload);
    return this.bounded(ref.field, Array.isArray(value) ? (value as unknown[]) : [value]);
  }

  private bounded(name: string, found: readonly unknown[]): string[] {
    const refs = found.filter((ref): ref is string => typeof ref === 'string' && ref.trim() !== '');
    if (refs.length < found.length) this.leftOut.push({ ref: name, why: `${name} does not name anybody` });
    if (refs.length > MAX_FIELD_REFS) {
      this.leftOut.push({ ref: name, why: `${name} names more than ${MAX_FIELD_REFS}` });
    }
    this.spend(name, Math.min(refs.length, MAX_FIELD_REFS));
    return refs.slice(0, MAX_FIELD_REFS);
  }

  /** A short definition may name a long list again and again: each of them is as dear as a step of evaluation. */
  private spend(name: string, refs: number): void {
    const { budget } = this.context.conditions;
    if (!budget) return;
    budget.steps -= refs;
    if (budget.steps < 0) {
      throw new EvaluationError(
        `Together, ${name} and the sources before it name more people than can be looked for.`,
      );
    }
  }
}

class EvaluationError extends Error {
  static of(text: string, message: string): EvaluationError {
    return new EvaluationError(`The expression ${text} could not be evaluated: ${message}.`);
  }
}

/**
 * Sources with fields of the payload replaced by what they hold and expressions by what they give. `place` is that of
 * their list in the definition of the stage.
 */
export function resolvableSources(
  { sources, place }: AskedSources,
  context: SourceContext,
): ResolvableSources {
  const reader = new Reader(context);
  try {
    return { ok: true, sources: reader.read(sources, place), rules: reader.rules, leftOut: reader.leftOut };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { ok: false, detail: error.message };
  }
}
