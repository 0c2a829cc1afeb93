import { list } from '../wording/phrase';
import { difference, type Difference } from './difference';
import { sameJson } from '../canonical-json';
import { describeSources } from '../wording/describe-source';
import { describeCondition } from '../wording/describe-condition';
import type { FullPlacedStage } from './with-defaults';

/** The longest run of positions that did not change their order: everything else was moved. O(n log n). */
function longestIncreasing(positions: number[]): Set<number> {
  const tails: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const position of positions) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    before.set(position, low > 0 ? tails[low - 1] : undefined);
    tails[low] = position;
  }
  const kept = new Set<number>();
  for (let at = tails.at(-1); at !== undefined; at = before.get(at)) kept.add(at);
  return kept;
}

function place(stages: FullPlacedStage[], index: number, titleOf: (key: string) => string): string {
  const { group } = stages[index] as FullPlacedStage;
  if (group.length > 0) return `in parallel with ${list(group.map(titleOf))}`;
  const previous = stages[index - 1];
  return previous ? `after ${list([...previous.group, previous.stage.key].map(titleOf))}` : 'as the first';
}

/** Stages that came, went, moved, or run beside others than before. */
export function diffOrder(from: FullPlacedStage[], to: FullPlacedStage[]): Difference[] {
  const oldIndex = new Map(from.map(({ stage }, index) => [stage.key, index]));
  const newIndex = new Map(to.map(({ stage }, index) => [stage.key, index]));
  const oldTitles = new Map(from.map(({ stage }) => [stage.key, stage.title]));
  const newTitles = new Map(to.map(({ stage }) => [stage.key, stage.title]));
  const titleOf = (key: string) => newTitles.get(key) ?? oldTitles.get(key) ?? key;
  const inOrder = (keys: string[]) =>
    [...keys].sort((a, b) => (newIndex.get(a) ?? 0) - (newIndex.get(b) ?? 0));
  const differences: Difference[] = [];

  from.forEach(({ stage, pointer }) => {
    if (!newIndex.has(stage.key))
      differences.push(difference(pointer, stage.key, `the stage ${stage.title} was removed`));
  });

  const kept = longestIncreasing(
    to.flatMap(({ stage }) => {
      const index = oldIndex.get(stage.key);
      return index === undefined ? [] : [index];
    }),
  );
  to.forEach(({ stage, pointer, group }, index) => {
    const was = oldIndex.get(stage.key);
    const say = (phrase: string) => differences.push(difference(pointer, stage.key, phrase));
    const { title } = stage;
    if (was === undefined) {
      const when = stage.when === null ? '' : ` when ${describeCondition(stage.when)}`;
      const who = `it is decided by ${describeSources(stage.approvers)}${when}`;
      say(`a new stage ${title} was added ${place(to, index, titleOf)}: ${who}`);
      return;
    }
    const old = from[was]?.group ?? [];
    const common = inOrder(group.filter((other) => oldIndex.has(other)));
    const oldCommon = inOrder(old.filter((other) => newIndex.has(other)));
    if (!sameJson(common, oldCommon)) {
      if (oldCommon.length === 0) say(`${title} now runs in parallel with ${list(common.map(titleOf))}`);
      else if (common.length === 0) {
        const now = group.length === 0 ? `; it now runs ${place(to, index, titleOf)}` : '';
        say(`${title} no longer runs in parallel with ${list(oldCommon.map(titleOf))}${now}`);
      } else {
        const [now, before] = [common, oldCommon].map((keys) => list(keys.map(titleOf)));
        say(`${title} now runs in parallel with ${now} instead of with ${before}`);
      }
    }
    if (!kept.has(was)) {
      const previous = to[index - 1];
      say(`${title} was moved: it now comes ${previous ? `after ${titleOf(previous.stage.key)}` : 'first'}`);
    }
  });
  return differences;
}
