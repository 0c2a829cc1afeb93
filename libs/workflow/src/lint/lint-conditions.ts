import { parse, unparse } from '@bufbuild/cel';
import {
  stagesOf,
  type PlacedStage,
  type StageDefinition,
  type WorkflowDefinition,
} from '../definition/workflow-definition';
import type { CelExpr } from '../cel/cel-expr';
import { operandsOf } from '../wording/cel-parts';
import { describeCondition } from '../wording/describe-condition';
import { list } from '../wording/phrase';
import { eachSource, sourceLists } from './each-source';
import type { Finding, LintResult } from './finding';
import { formulaOf, negated, type Formula } from './formula';
import { satisfiable, type Effort } from './satisfiable';
import { stageName } from './stage-name';
import { domainsOf, NO_DOMAINS, type Domains } from './value-domain';

/** Steps that following the conditions of one definition may take together. */
const MAX_EFFORT = 2_000_000;

/** What a stage can have become by the time that a later step is reached. */
function statesOf(stage: StageDefinition): string[] {
  const skipped = stage.when !== undefined || stage.onNoApprovers !== undefined;
  return ['approved', ...(skipped ? ['skipped'] : []), ...(stage.expire ? ['expired'] : [])];
}

function textOf(expr: CelExpr): string | null {
  try {
    return unparse(expr);
  } catch {
    return null;
  }
}

/** The states of stages that a formula looks at. */
function statePaths(formula: Formula): string[] {
  if (formula.kind === 'all' || formula.kind === 'some') return formula.parts.flatMap(statePaths);
  const isState = (formula.kind === 'compare' || formula.kind === 'among') && /^stages\./.test(formula.path);
  return isState ? [formula.path] : [];
}

const quoted = (text: string) => `“${text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text}”`;

class ConditionLint {
  readonly errors: Finding[] = [];
  readonly warnings: Finding[] = [];
  private readonly effort: Effort = { left: MAX_EFFORT };
  private readonly states: Map<string, string[]>;
  private readonly domains: Domains;

  constructor(
    private readonly definition: WorkflowDefinition,
    private readonly stages: PlacedStage[],
  ) {
    this.states = new Map(stages.map(({ stage }) => [stage.key, statesOf(stage)]));
    this.domains = domainsOf(definition, (key) => this.states.get(key) ?? null);
  }

  run(): LintResult {
    for (const { stage, pointer } of this.stages) {
      if (stage.when !== undefined) this.lintWhen(stage, stage.when, `${pointer}/when`);
      for (const { sources, pointer: at } of sourceLists(stage, pointer)) {
        for (const found of eachSource(sources, at)) {
          if ('matrix' in found.source) this.lintMatrix(found.source.matrix, `${found.pointer}/matrix`);
        }
      }
    }
    return { errors: this.errors, warnings: this.warnings };
  }

  private can(...formulas: Formula[]): boolean {
    return satisfiable(formulas, this.domains, this.effort);
  }

  private parsed(text: string): CelExpr | null {
    try {
      return parse(text).expr;
    } catch {
      return null;
    }
  }

  private warn(pointer: string, code: Finding['code'], message: string): void {
    this.warnings.push({ pointer, code, message });
  }

  private lintWhen(stage: StageDefinition, text: string, pointer: string): void {
    const root = this.parsed(text);
    if (!root) return;
    const formula = formulaOf(root, this.domains);
    const title = stageName(stage);
    if (!this.can(formula)) {
      const message = `${title} can never start: ${this.whyNever(root)}.`;
      this.errors.push({ pointer, code: 'stage-never-starts', message });
      this.states.set(stage.key, ['skipped']);
    } else if (!this.can(negated(formula))) {
      const message = `The condition of ${title} always holds: leave it out, or mend it.`;
      this.warn(pointer, 'condition-always-true', message);
    } else this.lintBranches(root, pointer);
  }

  private whyNever(root: CelExpr): string {
    const bare = formulaOf(root, NO_DOMAINS);
    if (!satisfiable([bare], NO_DOMAINS, this.effort)) {
      if (bare.kind === 'constant') return 'its condition is false for every request';
      return 'its condition contradicts itself';
    }
    const schemaOnly = domainsOf(this.definition, () => null);
    if (!satisfiable([formulaOf(root, schemaOnly)], schemaOnly, this.effort))
      return 'the subject does not allow a payload for which its condition holds';
    const keys = new Set(statePaths(bare).map((path) => path.split('.')[1] ?? ''));
    const states = [...keys].map((key) => `${key} can only be ${list(this.states.get(key) ?? [], 'or')}`);
    const known = states.length > 0 ? ` (${list(states)})` : '';
    return `its condition asks an earlier stage for a state that it cannot have by then${known}`;
  }

  /** Operands of `||` and `&&` without which the condition would be the same. */
  private lintBranches(expr: CelExpr, pointer: string): void {
    for (const operator of ['_||_', '_&&_'] as const) {
      const operands = operandsOf(expr, operator);
      if (operands.length < 2) continue;
      const left = operands.map((operand) => formulaOf(operand, this.domains));
      operands.forEach((operand, index) => {
        const own = left[index];
        const others = left.filter((_, other) => other !== index);
        if (!own || others.length === 0) return;
        const idle = this.idleOperand(operator, own, others);
        if (idle) {
          const text = textOf(operand);
          const name =
            text === null
              ? `Part ${index + 1} of the condition`
              : `The part ${quoted(text)} of the condition`;
          this.warn(pointer, 'dead-branch', `${name} ${idle}.`);
          // It is as if it were not there: else of two equal ones both would be called idle.
          left[index] = { kind: 'constant', value: operator === '_&&_' };
        } else this.lintBranches(operand, pointer);
      });
      return;
    }
    if (expr.exprKind.case === 'callExpr' && expr.exprKind.value.function === '!_') {
      for (const operand of expr.exprKind.value.args) this.lintBranches(operand, pointer);
    }
  }

  private idleOperand(operator: '_||_' | '_&&_', own: Formula, others: Formula[]): string | null {
    if (operator === '_||_') {
      if (!this.can(own)) return 'can never be true';
      if (!this.can(negated(own))) return 'is always true, so that the rest has no effect';
      return this.can(own, ...others.map(negated)) ? null : 'adds nothing: the other parts cover it';
    }
    if (!this.can(negated(own))) return 'is always true, so that it has no effect';
    return this.can(negated(own), ...others) ? null : 'adds nothing: it follows from the other parts';
  }

  private lintMatrix(rows: { when: string }[], pointer: string): void {
    const earlier: Formula[] = [];
    let certain: number | null = null;
    rows.forEach(({ when }, index) => {
      const root = this.parsed(when);
      if (!root) return;
      const at = `${pointer}/${index}/when`;
      const formula = formulaOf(root, this.domains);
      const row = `Row ${index + 1} of the matrix`;
      if (certain !== null)
        this.warn(at, 'dead-branch', `${row} is never reached: row ${certain + 1} always applies.`);
      else if (!this.can(formula))
        this.warn(
          at,
          'dead-branch',
          `${row} never applies: it can never be that ${describeCondition(when)}.`,
        );
      else if (!this.can(formula, ...earlier))
        this.warn(at, 'dead-branch', `${row} is never reached: the rows before it cover all that it covers.`);
      else {
        if (!this.can(negated(formula))) certain = index;
        this.lintBranches(root, at);
      }
      earlier.push(negated(formula));
    });
  }
}

/** Conditions that can never hold, always hold, or hold parts that do nothing. */
export function lintConditions(definition: WorkflowDefinition): LintResult {
  return new ConditionLint(definition, stagesOf(definition)).run();
}
