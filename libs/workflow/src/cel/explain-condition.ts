import type { ConditionContext, ConditionResult } from './condition';
import { list } from '../wording/phrase';
import type { ConditionPart } from './condition-parts';
import { decidePart } from './decide-part';
import { demandOf, factOf, meets, needOf, type SinglePart } from './part-words';

interface Explained {
  text: string;
  evaluate(context: ConditionContext): ConditionResult;
  /** What it is made of; null when it is more than comparisons. */
  parts(): ConditionPart | null;
}

/** More than this is easier to read as it was written. */
const MAX_PARTS = 6;

function singleParts(part: ConditionPart): SinglePart[] {
  return 'parts' in part ? part.parts.flatMap(singleParts) : [part];
}

/** The parts that make the whole true or false: what has the other value, or none, changes nothing. */
function decisive(part: ConditionPart, value: boolean, context: ConditionContext): ConditionPart {
  if (!('parts' in part)) return part;
  const parts = part.parts
    .filter((each) => decidePart(each, context) === value)
    .map((each) => decisive(each, value, context));
  const [only] = parts;
  return only && parts.length === 1 ? only : { kind: part.kind, parts };
}

/** That something is given goes without saying where its value is told. */
function withoutObvious(parts: SinglePart[]): SinglePart[] {
  const told = new Set(parts.filter(({ kind }) => kind !== 'given').map(({ path }) => path.join('.')));
  return parts.filter(({ kind, path }) => kind !== 'given' || !told.has(path.join('.')));
}

function explainHeld(parts: SinglePart[], context: ConditionContext): string {
  const phrases = parts.map((part) => {
    const how = meets(part, context);
    const fact = factOf(part, context);
    if (how === null) return fact;
    return parts.length === 1 ? `${fact}, ${how}` : `${fact} (${how})`;
  });
  return `${list([...new Set(phrases)], 'and')}.`;
}

function needs(part: ConditionPart, context: ConditionContext): string {
  if (!('parts' in part)) return needOf(part, context);
  const phrases = part.parts.map((each) => {
    const text = needs(each, context);
    return 'parts' in each ? `(${text})` : text;
  });
  return list(phrases, part.kind === 'all' ? 'and' : 'or');
}

function explainFailed(part: ConditionPart, context: ConditionContext, title: string): string {
  if (!('parts' in part)) return `${factOf(part, context)}, ${demandOf(part, context, title)}.`;
  const facts = new Set(singleParts(part).map((each) => factOf(each, context)));
  return `${list([...facts], 'and')}; ${title} needs ${needs(part, context)}.`;
}

function inWords(
  condition: Explained,
  value: boolean,
  context: ConditionContext,
  title: string,
): string | null {
  const parts = condition.parts();
  if (!parts || decidePart(parts, context) !== value) return null;
  const why = decisive(parts, value, context);
  const single = singleParts(why);
  if (single.length > MAX_PARTS) return null;
  return value ? explainHeld(withoutObvious(single), context) : explainFailed(why, context, title);
}

/**
 * Why a condition holds, or does not, in the words of a business person: `amount is 800, Finance starts above 1000.`
 * A condition that is more than comparisons is told as it was written, with what it looked at.
 */
export function explainCondition(condition: Explained, context: ConditionContext, title: string): string {
  // The evaluation has been paid for already: this one takes as many steps again, and no more.
  const result = condition.evaluate({ ...context, budget: undefined });
  if (!result.ok) return `the condition ${condition.text} could not be evaluated: ${result.message}.`;
  const words = inWords(condition, result.value, context, title);
  if (words !== null) return words;
  const values = result.values.map(({ path, value }) => `${path} is ${value}`).join(', ');
  const because = values === '' ? '' : ` (${values})`;
  return `the condition ${condition.text} is ${result.value ? '' : 'not '}met${because}.`;
}
