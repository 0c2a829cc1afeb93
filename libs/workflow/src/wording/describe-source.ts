import type { RefOrField } from '../definition/workflow-definition';
import { describeCondition } from './describe-condition';
import { describeDuration } from './describe-duration';
import { list, numeral } from './phrase';

interface Cel {
  text: string;
}

/** A source as its author wrote it, or compiled. */
export type DescribableSource =
  | { user: RefOrField }
  | { group: RefOrField }
  | { role: string }
  | { field: string }
  | { manager: { of?: string; levels?: number; untilLimit?: string | number } }
  | { expression: string | Cel }
  | { matrix: { when: string | Cel; to: DescribableSource[] }[] }
  | { webhook: { url: string; format?: string; timeout?: string } };

const textOf = (cel: string | Cel) => (typeof cel === 'string' ? cel : cel.text);

function whose(of: string | undefined): string {
  return of === 'assignee' ? 'approver' : 'requester';
}

/** Who a source stands for, as a noun phrase: `the members of finance`, `the requester's line manager`. */
export function describeSource(source: DescribableSource): string {
  if ('user' in source)
    return typeof source.user === 'string' ? source.user : `whoever ${source.user.field} names`;
  if ('group' in source) {
    return typeof source.group === 'string'
      ? `the members of ${source.group}`
      : `the members of the group that ${source.group.field} names`;
  }
  if ('role' in source) return `everybody with the role ${source.role}`;
  if ('field' in source) return `whoever ${source.field} names`;
  if ('manager' in source) {
    const { of, levels = 1, untilLimit } = source.manager;
    if (untilLimit !== undefined) {
      const limit = typeof untilLimit === 'number' ? numeral(untilLimit) : untilLimit;
      return `the managers above the ${whose(of)} until an approval limit covers ${limit}`;
    }
    if (levels === 1) return `the ${whose(of)}'s line manager`;
    return `the ${whose(of)}'s managers, ${levels} levels up`;
  }
  if ('expression' in source) return `whoever “${textOf(source.expression).trim()}” gives`;
  if ('matrix' in source) {
    const rows = source.matrix.map(
      ({ when, to }) => `${describeSources(to)} when ${describeCondition(textOf(when))}`,
    );
    return `the first that fits of: ${rows.join('; ')}`;
  }
  const { url, format = 'easylife', timeout = 'PT10S' } = source.webhook;
  const how = [
    ...(format === 'easylife' ? [] : [`in the format ${format}`]),
    ...(timeout === 'PT10S' ? [] : [`within ${describeDuration(timeout)}`]),
  ];
  return `whoever ${url} answers${how.length > 0 ? ` ${how.join(' ')}` : ''}`;
}

/** Several sources, joined: `the members of finance and dave@example.com`. */
export function describeSources(sources: DescribableSource[]): string {
  return list(sources.map(describeSource));
}
