import type { Delegation, Period } from './delegation.rows';

/** A delegation that is to be made. Times in milliseconds since 1970. */
export interface Wanted {
  fromId: string;
  toId: string;
  startsAt: number;
  endsAt: number;
  workflows: string[] | null;
}

/** When and for which workflows a chain of delegations holds that has come to somebody. */
type Reach = Pick<Wanted, 'startsAt' | 'endsAt' | 'workflows'> & { at: string };

/** A web of delegations in which more than this has to be looked at is refused as if it led back. */
const mostReaches = 10_000;

/**
 * Whether delegations that hold at the same time and for the same workflow lead from whom this one is for back to who gives
 * it. `find` says what people have arranged within a period.
 */
export const leadsBack = async (
  find: (people: readonly string[], period: Period) => Promise<Delegation[]>,
  { fromId, toId, ...terms }: Wanted,
): Promise<boolean> => {
  const period = { from: new Date(terms.startsAt), to: new Date(terms.endsAt) };
  const seen = new Map<string, Reach[]>();
  let next: Reach[] = [{ at: toId, ...terms }];
  for (let count = 1; next.length > 0; count += next.length) {
    if (count > mostReaches) return true;
    const given = groupBy(await find([...new Set(next.map(({ at }) => at))], period), ({ fromId: id }) => id);
    const reached: Reach[] = [];
    for (const reach of next) {
      for (const delegation of given.get(reach.at) ?? []) {
        const further = throughOf(reach, delegation);
        if (!further) continue;
        if (further.at === fromId) return true;
        const known = seen.get(further.at) ?? [];
        if (known.some((one) => covers(one, further))) continue;
        seen.set(further.at, [...known, further]);
        reached.push(further);
      }
    }
    next = reached;
  }
  return false;
};

const groupBy = <T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
};

const throughOf = (reach: Reach, delegation: Delegation): Reach | null => {
  const startsAt = Math.max(reach.startsAt, delegation.startsAt);
  const endsAt = Math.min(reach.endsAt, delegation.endsAt);
  const workflows = bothOf(reach.workflows, delegation.workflows);
  if (!delegation.to || startsAt >= endsAt || workflows?.length === 0) return null;
  return { at: delegation.to.id, startsAt, endsAt, workflows };
};

const bothOf = (a: string[] | null, b: string[] | null): string[] | null => {
  if (a === null) return b;
  return b === null ? a : a.filter((key) => b.includes(key));
};

const covers = (one: Reach, other: Reach): boolean =>
  one.startsAt <= other.startsAt &&
  one.endsAt >= other.endsAt &&
  (one.workflows === null || (other.workflows?.every((key) => one.workflows?.includes(key)) ?? false));
