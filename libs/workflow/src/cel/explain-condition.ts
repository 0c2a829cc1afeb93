import type { CelExpr } from './check-types';
import type { ConditionContext, ConditionResult } from './condition';

interface Explained {
  text: string;
  root: CelExpr;
  evaluate(context: ConditionContext): ConditionResult;
}

/** Why a condition holds, or does not, in the words of a business person. */
export function explainCondition(condition: Explained, context: ConditionContext, title: string): string {
  const result = condition.evaluate({ ...context, budget: undefined });
  if (!result.ok)
    return `the condition ${condition.text} of ${title} could not be evaluated: ${result.message}`;
  const values = result.values.map(({ path, value }) => `${path} is ${value}`).join(', ');
  const because = values === '' ? '' : ` (${values})`;
  return `the condition ${condition.text} is ${result.value ? '' : 'not '}met${because}`;
}
