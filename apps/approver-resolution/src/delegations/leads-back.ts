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
  let count = 0;
  while (next.length > 0) {
    for (const reach of next) seen.set(reach.at, [...(seen.get(reach.at) ?? []), reach]);
    count += next.length;
    if (count > mostReaches) return true;
    const found = await find([...new Set(next.map(({ at }) => at))], period);
    const reached: Reach[] = [];
    for (const reach of next) {
      for (const delegation of found) {
        const further = delegation.fromId === reach.at ? throughOf(reach, delegation) : null;
        if (!further) continue;
        if (further.at === fromId) return true;
        const known = [...(seen.get(further.at) ?? []), ...reached.filter(({ at }) => at === further.at)];
        if (!known.some((one) => covers(one, further))) reached.push(further);
      }
    }
    next = reached;
  }
  return false;
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
