import type { ApproverSource, Quorum } from '../definition/workflow-definition';

/**
 * Who sources can give, before anybody is looked up: `people` by name when all of them are known by name (a manager by
 * their level), else null. `most` is how many different people there can be at most.
 */
export interface PossiblePeople {
  people: Set<string> | null;
  most: number;
}

/** How many people a source has today, as far as that is known. */
export type Sizes = (source: ApproverSource) => number | undefined;

const unknownSizes: Sizes = () => undefined;

function peopleOf(source: ApproverSource, sizes: Sizes): PossiblePeople {
  const size = sizes(source);
  if (size !== undefined) return { people: null, most: size };
  const named = (people: string[]) => ({ people: new Set(people), most: people.length });
  if ('user' in source && typeof source.user === 'string')
    return named([`user ${source.user.toLowerCase()}`]);
  if ('manager' in source && source.manager.untilLimit === undefined && source.manager.of !== 'assignee') {
    const { levels = 1 } = source.manager;
    return named(Array.from({ length: levels }, (_, level) => `manager ${level + 1}`));
  }
  if ('matrix' in source) {
    const rows = source.matrix.map(({ to }) => possiblePeople(to, sizes).most);
    return { people: null, most: Math.max(0, ...rows) };
  }
  return { people: null, most: Infinity };
}

/** Who the sources can give together, with `sizes` today. */
export function possiblePeople(sources: ApproverSource[], sizes: Sizes = unknownSizes): PossiblePeople {
  const people = new Set<string>();
  let others = 0;
  let exact = true;
  for (const source of sources) {
    const found = peopleOf(source, sizes);
    if (found.people) for (const person of found.people) people.add(person);
    else {
      exact = false;
      others += found.most;
    }
  }
  return { people: exact ? people : null, most: people.size + others };
}

/** How many people must approve, at the least, if so many are asked. */
export function fewestApprovals(quorum: Quorum, asked: number): number {
  if (quorum === 'any') return 1;
  if (quorum === 'all') return Math.max(1, asked);
  if (quorum === 'majority') return Math.floor(asked / 2) + 1;
  if ('approvals' in quorum) return quorum.approvals;
  if ('percent' in quorum) return Math.max(1, Math.ceil((asked * quorum.percent) / 100));
  return Math.max(...quorum.each.map(({ approvals }) => approvals));
}
