import { valueAt } from './cel-values';
import type { ConditionContext } from './condition';
import type { ConditionPart, Literal, Operand, Operator } from './condition-parts';

function isLiteral(value: unknown): value is Literal {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** What an operand holds; undefined when it is missing. */
export function operandValue(operand: Operand, context: ConditionContext): unknown {
  return 'literal' in operand ? operand.literal : valueAt(context, operand.path);
}

function compare(value: unknown, operator: Operator, other: unknown): boolean | null {
  if (!isLiteral(value) || !isLiteral(other)) return null;
  if (operator === '==') return value === other;
  if (operator === '!=') return value !== other;
  if (typeof value !== 'number' || typeof other !== 'number') return null;
  switch (operator) {
    case '<':
      return value < other;
    case '<=':
      return value <= other;
    case '>':
      return value > other;
    case '>=':
      return value >= other;
  }
}

function isIn(value: unknown, list: unknown, negated: boolean): boolean | null {
  return isLiteral(value) && Array.isArray(list) ? list.includes(value) !== negated : null;
}

function isGiven(path: string[], context: ConditionContext, negated: boolean): boolean | null {
  const owner = valueAt(context, path.slice(0, -1));
  return typeof owner === 'object' && owner !== null
    ? (valueAt(context, path) !== undefined) !== negated
    : null;
}

/** Whether a part of a condition holds; null if that cannot be told, as of something that is missing. */
export function decidePart(part: ConditionPart, context: ConditionContext): boolean | null {
  switch (part.kind) {
    case 'all':
    case 'any': {
      const results = part.parts.map((each) => decidePart(each, context));
      const decisive = part.kind === 'any';
      if (results.includes(decisive)) return decisive;
      return results.includes(null) ? null : !decisive;
    }
    case 'compare':
      return compare(valueAt(context, part.path), part.operator, operandValue(part.operand, context));
    case 'oneOf':
      return isIn(valueAt(context, part.path), part.values, part.negated);
    case 'includes':
      return isIn(part.value, valueAt(context, part.path), part.negated);
    case 'given':
      return isGiven(part.path, context, part.negated);
  }
}
