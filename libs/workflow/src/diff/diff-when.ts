import { describeCondition, simpleCondition } from '../wording/describe-condition';

/** How the condition of something changed, as a phrase; `title starts when …`. */
export function diffWhen(title: string, from: string | null, to: string | null): string {
  if (to === null) return `${title} now always starts; before, only when ${describeCondition(from ?? '')}`;
  const now = describeCondition(to);
  if (from === null) return `${title} now starts only when ${now}; before, it always started`;
  const before = describeCondition(from);
  if (now === before) return `the condition of ${title} is written differently: “${to.trim()}”`;
  const [newParts, oldParts] = [simpleCondition(to), simpleCondition(from)];
  if (newParts && oldParts && newParts.what === oldParts.what) {
    const { what, comparison, value } = newParts;
    return `${title} now starts when ${what} ${comparison} ${value} instead of ${oldParts.comparison.replace(/^is /, '')} ${oldParts.value}`;
  }
  return `${title} now starts when ${now}, instead of when ${before}`;
}
