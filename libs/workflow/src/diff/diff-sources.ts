import type { ApproverSource } from '../definition/workflow-definition';
import { describeCondition } from '../wording/describe-condition';
import { describeSource, describeSources } from '../wording/describe-source';
import { sameJson } from '../canonical-json';
import { diffList } from './diff-list';

type Matrix = Extract<ApproverSource, { matrix: unknown }>['matrix'];

/** The verb phrases of a list of sources: `is also decided by`, `is no longer decided by`, `is decided by`. */
export interface SourceVerbs {
  also: (who: string) => string;
  noLonger: (who: string) => string;
  instead: (now: string, before: string) => string;
  /** What the list is called when only its order changed. */
  name: string;
}

function diffMatrix(from: Matrix, to: Matrix, name: string): string[] {
  const rows = from.flatMap((before, index) => {
    const now = to[index];
    if (!now || sameJson(before, now)) return [];
    const row = `row ${index + 1} of the table that gives ${name}`;
    const [newWhen, oldWhen] = [now.when, before.when].map(describeCondition);
    const [newTo, oldTo] = [describeSources(now.to), describeSources(before.to)];
    if (sameJson(before.when, now.when)) return [`${row} now names ${newTo} instead of ${oldTo}`];
    if (sameJson(before.to, now.to)) return [`${row} now applies when ${newWhen} instead of when ${oldWhen}`];
    return [`${row} now names ${newTo} when ${newWhen}, instead of ${oldTo} when ${oldWhen}`];
  });
  return rows;
}

/** How a list of sources changed, as phrases. */
export function diffSources(
  from: readonly ApproverSource[],
  to: readonly ApproverSource[],
  verbs: SourceVerbs,
): string[] {
  const { added, removed, reordered } = diffList(from, to);
  if (reordered) return [`${verbs.name} are listed in another order: ${describeSources([...to])}`];
  const [now, before] = [added[0], removed[0]];
  if (added.length === 1 && removed.length === 1 && now && before) {
    if ('matrix' in now && 'matrix' in before && now.matrix.length === before.matrix.length)
      return diffMatrix(before.matrix, now.matrix, verbs.name);
    return [verbs.instead(describeSource(now), describeSource(before))];
  }
  if (added.length > 0 && removed.length > 0)
    return [verbs.instead(describeSources(added), describeSources(removed))];
  if (added.length > 0) return [verbs.also(describeSources(added))];
  return removed.length > 0 ? [verbs.noLonger(describeSources(removed))] : [];
}
