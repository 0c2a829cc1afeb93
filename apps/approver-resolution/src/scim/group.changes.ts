import { Problem } from '@countersign/service-kit';
import { deletion, nothing, resourceChange, type DirectoryChange } from '../directory/directory-change';
import { NeedsExclusiveLock } from '../directory/lock-directory';
import { raiseVersions, type PeopleChange } from '../directory/publish-people';
import { replacingBy, type GroupChange } from './group-change';
import {
  changeMembers,
  deleteGroupRow,
  insertGroupRow,
  lockGroup,
  peopleWithin,
  updateGroupRow,
  type GroupWork,
  type LockedGroup,
} from './group.store';
import type { GroupInput } from './read-group';
import type { CheckVersion } from './user.changes';

const peopleOf = (ids: Iterable<string>): PeopleChange => ({
  changed: [],
  affected: [...ids],
  deleted: [],
});

const attributesOf = ({ displayName, externalId }: Pick<LockedGroup, 'displayName' | 'externalId'>) => ({
  displayName,
  ...(externalId === null ? {} : { externalId }),
});

/** Throws Problem invalidValue, and NeedsExclusiveLock. */
export const createGroup = async (work: GroupWork, group: GroupInput): Promise<DirectoryChange> => {
  await insertGroupRow(work, group.externalId, group.displayName);
  const { people, members } = await takeSteps({ ...work, isNew: true }, replacingBy(group).steps);
  return groupMade(work.id, group, movesOf(members).added, people);
};

/** A group that has just been made, with those who are in it, and for whom that matters. */
export const groupMade = (
  id: string,
  group: GroupInput,
  added: readonly string[],
  people: Iterable<string>,
): DirectoryChange => ({
  people: peopleOf(people),
  resources: [resourceChange('Group', id, null, attributesOf(group), { added })],
  delegations: [],
});

/** Throws Problem not_found, version_mismatch, invalidValue, and NeedsExclusiveLock. */
export const putGroup = (work: GroupWork, group: GroupInput, check: CheckVersion): Promise<DirectoryChange> =>
  changeGroup(work, replacingBy(group), check, true);

/**
 * All of the change or nothing; one that changes nothing leaves the version as it is (RFC 7644 §3.5.2). Throws Problem
 * not_found, version_mismatch, invalidValue, noTarget, and NeedsExclusiveLock.
 */
export const patchGroup = (
  work: GroupWork,
  change: GroupChange,
  check: CheckVersion,
): Promise<DirectoryChange> => changeGroup(work, change, check, false);

const locked = async ({ tx, id }: GroupWork, check: CheckVersion): Promise<LockedGroup> => {
  const group = await lockGroup(tx, id);
  if (!group) throw Problem.notFound('group');
  check(group.version);
  return group;
};

const changeGroup = async (
  work: GroupWork,
  { steps, ...change }: GroupChange,
  check: CheckVersion,
  always: boolean,
): Promise<DirectoryChange> => {
  const before = await locked(work, check);
  const displayName = change.displayName ?? before.displayName;
  const externalId = change.externalId === undefined ? before.externalId : change.externalId;
  const isRenamed = displayName !== before.displayName;
  const { isChanged, people, members } = await takeSteps(work, steps);
  if (isRenamed && work.lock === 'shared' && (isChanged || before.holdsGroups))
    throw new NeedsExclusiveLock();
  if (!always && !isChanged && !isRenamed && externalId === before.externalId) return nothing;
  await updateGroupRow(work, externalId, displayName);
  const rest = isRenamed ? (await peopleWithin(work.tx, [work.id])).filter((id) => !people.has(id)) : [];
  await raiseVersions(work.tx, rest);
  const after = attributesOf({ displayName, externalId });
  return {
    people: peopleOf([...people, ...rest]),
    resources: [resourceChange('Group', work.id, attributesOf(before), after, movesOf(members))],
    delegations: [],
  };
};

/** By id of a member whether it has joined; whoever is what they were before is not among them. */
type Members = Map<string, boolean>;

const movesOf = (members: Members): { added: string[]; removed: string[] } => {
  const those = (joined: boolean) => [...members].filter(([, is]) => is === joined).map(([id]) => id);
  return { added: those(true), removed: those(false) };
};

const takeSteps = async (
  work: GroupWork,
  steps: GroupChange['steps'],
): Promise<{ isChanged: boolean; people: Set<string>; members: Members }> => {
  // Each step locks people in the order of their ids; two in a row do not.
  if (steps.length > 1 && work.lock === 'shared') throw new NeedsExclusiveLock();
  const people = new Set<string>();
  const members: Members = new Map();
  let isChanged = false;
  const move = (ids: readonly string[], joins: boolean) => {
    isChanged ||= ids.length > 0;
    for (const id of ids) {
      if (members.get(id) === !joins) members.delete(id);
      else members.set(id, joins);
    }
  };
  for (const step of steps) {
    const result = await changeMembers(work, step);
    move(result.removed, false);
    move(result.added, true);
    for (const id of result.people) people.add(id);
  }
  return { isChanged, people, members };
};

/** Throws Problem not_found, version_mismatch, and NeedsExclusiveLock. */
export const removeGroup = async (work: GroupWork, check: CheckVersion): Promise<DirectoryChange> => {
  const { holdsGroups, isNested } = await locked(work, check);
  if (work.lock === 'shared' && (holdsGroups || isNested)) throw new NeedsExclusiveLock();
  const people = await peopleWithin(work.tx, [work.id]);
  await raiseVersions(work.tx, people);
  const { members, around } = await deleteGroupRow(work.tx, work.id);
  return {
    people: peopleOf(people),
    resources: [
      deletion('Group', work.id, members),
      ...around.map((id) => resourceChange('Group', id, {}, {}, { removed: [work.id] })),
    ],
    delegations: [],
  };
};
