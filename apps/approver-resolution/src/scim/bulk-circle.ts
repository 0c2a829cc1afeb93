import type { DirectoryChange } from '../directory/directory-change';
import type { DirectoryWork } from './directory-writes';
import { createGroup, groupMade } from './group.changes';
import { changeMembers } from './group.store';
import { checkDelegate } from './named-users';
import { readGroup, type GroupInput } from './read-group';
import { readUser, type UserInput } from './read-user';
import { userMade } from './user.changes';
import { insertUser, setManager } from './user.store';

/** An operation in a circle: all of them make something. */
export interface CircleOperation {
  index: number;
  type: 'User' | 'Group';
  /** What it makes. */
  id: string;
  /** Its data, with ids in place of references. Throws Problem when what it refers to has failed. */
  data: () => Record<string, unknown>;
}

/** Which operation of a circle failed, and why. */
export class CircleFailure extends Error {
  constructor(
    readonly culprit: number,
    readonly reason: unknown,
  ) {
    super('an operation in a circle failed');
  }
}

const blaming = async <T>(index: number, run: () => Promise<T>): Promise<T> => {
  try {
    return await run();
  } catch (reason) {
    throw new CircleFailure(index, reason);
  }
};

/** Closes the circle at one of its operations. Returns what it has changed. */
type Link = () => Promise<DirectoryChange>;

/**
 * Carries out operations that refer to each other in circles: everything without what closes them, and then that. Returns
 * what each has changed. Throws CircleFailure.
 */
export const makeCircle = async (
  work: DirectoryWork,
  operations: readonly CircleOperation[],
): Promise<Map<number, DirectoryChange>> => {
  const inside: ReadonlySet<string> = new Set(operations.map(({ id }) => id));
  const links: { index: number; link: Link }[] = [];
  for (const { index, type, id, data } of operations) {
    const link = await blaming(index, async () =>
      type === 'User'
        ? makeLinkedUser(work, id, readUser(data()), inside)
        : makeLinkedGroup(work, id, readGroup(data()), inside),
    );
    links.push({ index, link });
  }
  const changes = new Map<number, DirectoryChange>();
  for (const { index, link } of links) changes.set(index, await blaming(index, link));
  return changes;
};

const makeLinkedUser = async (
  { tx, workspaceId }: DirectoryWork,
  id: string,
  user: UserInput,
  inside: ReadonlySet<string>,
): Promise<Link> => {
  const manager = user.managerRef !== null && inside.has(user.managerRef) ? user.managerRef : null;
  const managerRef = manager === null ? user.managerRef : null;
  const made = await insertUser(tx, workspaceId, id, { ...user, managerRef, delegateRef: null });
  return async () => {
    if (manager !== null) await setManager(tx, id, manager);
    await checkDelegate(tx, workspaceId, { id, user });
    return userMade({ ...made, managerId: manager ?? made.managerId });
  };
};

const makeLinkedGroup = async (
  work: DirectoryWork,
  id: string,
  group: GroupInput,
  inside: ReadonlySet<string>,
): Promise<Link> => {
  const members = group.members.filter(({ ref }) => !inside.has(ref));
  const made = await createGroup({ ...work, id }, { ...group, members });
  const fates = group.members.filter(({ ref }) => inside.has(ref)).map((member) => ({ member, joins: true }));
  return async () => {
    const linked = await changeMembers({ ...work, id }, { kind: 'set', reset: false, fates });
    const joined = [...made.resources.flatMap(({ added }) => added), ...linked.added];
    return groupMade(id, group, joined, [...made.people.affected, ...linked.people]);
  };
};
