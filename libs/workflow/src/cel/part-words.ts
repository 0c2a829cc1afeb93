import { valueAt } from './cel-values';
import type { ConditionContext } from './condition';
import type { ConditionPart, Operand, Operator } from './condition-parts';
import { operandValue } from './decide-part';

const MAX_SHOWN_LENGTH = 60;
const MAX_LISTED = 8;
const PLAIN = /^[\p{L}\p{N}][\p{L}\p{N} ._@/-]*$/u;

/** One comparison, without those that it is joined with. */
export type SinglePart = Exclude<ConditionPart, { kind: 'all' | 'any' }>;

function isComparison(part: SinglePart): part is SinglePart & { kind: 'compare' } {
  return part.kind === 'compare';
}

/** A path as people call it: `amount`, `the requester's region`, `the stage finance`. */
export function nameOf(path: string[]): string {
  const [root, ...names] = path;
  if (root === 'payload') return names.join('.');
  if (root === 'stages' && names.length === 2 && names[1] === 'state') return `the stage ${names[0]}`;
  return root === 'stages' ? path.join('.') : `the ${root}'s ${names.join('.')}`;
}

/** A value as people write it. */
export function shown(value: unknown): string {
  if (value === undefined || value === null) return 'not set';
  if (value === '') return 'empty';
  const text = typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH).toWellFormed()}…` : text;
}

/** Joins phrases with commas and a last word: `a, b and c`. */
export function listed(phrases: string[], word: string): string {
  if (phrases.length < 2) return phrases.join('');
  return `${phrases.slice(0, -1).join(', ')} ${word} ${phrases.at(-1)}`;
}

function choice(values: unknown[], word: string): string {
  const names = values.slice(0, MAX_LISTED).map(shown);
  const more = values.length - names.length;
  return listed(more > 0 ? [...names, `${more} more`] : names, word);
}

function against(operand: Operand, context: ConditionContext): string {
  const value = shown(operandValue(operand, context));
  return 'literal' in operand ? value : `${nameOf(operand.path)} (${value})`;
}

/** What is the case: `amount is 800`. */
export function factOf(part: SinglePart, context: ConditionContext): string {
  const name = nameOf(part.path);
  const value = valueAt(context, part.path);
  if (part.kind === 'given') return `${name} is ${value === undefined ? 'not given' : 'given'}`;
  if (part.kind === 'includes') {
    const isThere = Array.isArray(value) && value.includes(part.value);
    return `${name} ${isThere ? 'include' : 'do not include'} ${shown(part.value)}`;
  }
  return isComparison(part) && isNull(part.operand) && value !== null
    ? `${name} is set`
    : `${name} is ${shown(value)}`;
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
      return `${name} ${part.negated ? 'without' : 'with'} ${shown(part.value)}`;
    case 'oneOf':
      return `${name} ${part.negated ? 'other than ' : ''}${choice(part.values, 'or')}`;
    case 'compare': {
      if (isNull(part.operand)) return part.operator === '==' ? `no ${name}` : name;
      const wanted = WANTED[part.operator];
      return `${name} ${wanted}${wanted === '' ? '' : ' '}${against(part.operand, context)}`;
    }
  }
}
