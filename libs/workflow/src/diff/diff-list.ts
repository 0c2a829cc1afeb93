import { canonicalJson } from '../canonical-json';

/** What one list has more often than the other, both in their own order; `reordered` when only the order differs. */
export function diffList<T>(
  from: readonly T[],
  to: readonly T[],
): { added: T[]; removed: T[]; reordered: boolean } {
  const left = new Map<string, number>();
  for (const item of from) {
    const key = canonicalJson(item);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  const added = to.filter((item) => {
    const key = canonicalJson(item);
    const found = left.get(key) ?? 0;
    if (found > 0) left.set(key, found - 1);
    return found === 0;
  });
  const removed = from.filter((item) => {
    const key = canonicalJson(item);
    const found = left.get(key) ?? 0;
    if (found > 0) left.set(key, found - 1);
    return found > 0;
  });
  const same = added.length === 0 && removed.length === 0;
  return { added, removed, reordered: same && canonicalJson(from) !== canonicalJson(to) };
}
