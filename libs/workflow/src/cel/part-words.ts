import { describePath } from '../wording/describe-path';
import { describeValue } from '../wording/describe-value';
import { list } from '../wording/phrase';
import { valueAt } from './cel-values';
import type { ConditionContext } from './condition';
import type { ConditionPart, Operand, Operator } from './condition-parts';
import { operandValue } from './decide-part';

const MAX_LISTED = 8;

/** One comparison, without those that it is joined with. */
export type SinglePart = Exclude<ConditionPart, { kind: 'all' | 'any' }>;

function isComparison(part: SinglePart): part is SinglePart & { kind: 'compare' } {
  return part.kind === 'compare';
}

const nameOf = (path: string[]): string => describePath(path.join('.'));

function choice(values: unknown[], word: string): string {
  const names = values.slice(0, MAX_LISTED).map(describeValue);
  const more = values.length - names.length;
  return list(more > 0 ? [...names, `${more} more`] : names, word);
}

function against(operand: Operand, context: ConditionContext): string {
  const value = describeValue(operandValue(operand, context));
  return 'literal' in operand ? value : `${nameOf(operand.path)} (${value})`;
}

/** What is the case: `amount is 800`. */
export function factOf(part: SinglePart, context: ConditionContext): string {
  const name = nameOf(part.path);
  const value = valueAt(context, part.path);
  if (part.kind === 'given') return `${name} is ${value === undefined ? 'not given' : 'given'}`;
  if (part.kind === 'includes') {
    const isThere = Array.isArray(value) && value.includes(part.value);
    return `${name} ${isThere ? 'include' : 'do not include'} ${describeValue(part.value)}`;
  }
  return isComparison(part) && isNull(part.operand) && value !== null
    ? `${name} is set`
    : `${name} is ${describeValue(value)}`;
}

function isNull(operand: Operand): boolean {
  return 'literal' in operand && operand.literal === null;
}

const HELD: Record<Operator, string> = {
  '<': 'below',
  '<=': 'at most',
  '>': 'above',
  '>=': 'at least',
  '==': 'the same as',
  '!=': 'not',
};

/** How a fact meets its part, to follow it: `above 1000`; null when the fact says it all. */
export function meets(part: SinglePart, context: ConditionContext): string | null {
  if (part.kind === 'oneOf') return `${part.negated ? 'none' : 'one'} of ${choice(part.values, 'and')}`;
  if (part.kind !== 'compare' || isNull(part.operand)) return null;
  if ('literal' in part.operand && (part.operator === '==' || typeof part.operand.literal === 'boolean'))
    return null;
  return `${HELD[part.operator]} ${against(part.operand, context)}`;
}

const STARTS: Record<Operator, string> = {
  '<': 'applies below',
  '<=': 'applies up to',
  '>': 'starts above',
  '>=': 'starts at',
  '==': 'is for',
  '!=': 'is for everything but',
};

/** What a title asks for, when it hangs on one part that is not met: `Finance starts above 1000`. */
export function demandOf(part: SinglePart, context: ConditionContext, title: string): string {
  switch (part.kind) {
    case 'given':
      return `${title} is only for requests ${part.negated ? 'without' : 'with'} it`;
    case 'includes':
      return `${title} is only for ${part.negated ? 'those without' : 'those with'} it`;
    case 'oneOf':
      return part.negated
        ? `${title} is for everything but ${choice(part.values, 'and')}`
        : `${title} is for ${choice(part.values, 'or')}`;
    case 'compare': {
      const { operator, operand } = part;
      if (isNull(operand))
        return `${title} is only for requests ${operator === '==' ? 'without' : 'with'} it`;
      if ('path' in part && part.path[0] === 'stages' && (operator === '==' || operator === '!='))
        return `${title} needs it ${operator === '==' ? '' : 'not '}to be ${against(operand, context)}`;
      if ('literal' in operand && typeof operand.literal === 'boolean') {
        return `${title} needs it to be ${String(operand.literal === (operator === '=='))}`;
      }
      return `${title} ${STARTS[operator]} ${against(operand, context)}`;
    }
  }
}

const WANTED: Record<Operator, string> = { ...HELD, '==': '', '!=': 'other than' };

/** What is asked for, to follow "needs": `amount above 1000`. */
export function needOf(part: SinglePart, context: ConditionContext): string {
  const name = nameOf(part.path);
  switch (part.kind) {
    case 'given':
      return part.negated ? `no ${name}` : name;
    case 'includes':
      return `${name} ${part.negated ? 'without' : 'with'} ${describeValue(part.value)}`;
    case 'oneOf':
      return `${name} ${part.negated ? 'other than ' : ''}${choice(part.values, 'or')}`;
    case 'compare': {
      if (isNull(part.operand)) return part.operator === '==' ? `no ${name}` : name;
      const wanted = WANTED[part.operator];
      return `${name} ${wanted}${wanted === '' ? '' : ' '}${against(part.operand, context)}`;
    }
  }
}
