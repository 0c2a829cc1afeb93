import { Problem } from '@countersign/service-kit';
import { NeedsExclusiveLock } from '../directory/lock-directory';
import { nobody, raiseVersions, type PeopleChange } from '../directory/publish-people';
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

/** Throws Problem invalidValue, and NeedsExclusiveLock. */
export const createGroup = async (work: GroupWork, group: GroupInput): Promise<PeopleChange> => {
  await insertGroupRow(work, group.externalId, group.displayName);
  return peopleOf((await takeSteps({ ...work, isNew: true }, replacingBy(group).steps)).people);
};

/** Throws Problem not_found, version_mismatch, invalidValue, and NeedsExclusiveLock. */
export const putGroup = (work: GroupWork, group: GroupInput, check: CheckVersion): Promise<PeopleChange> =>
  changeGroup(work, replacingBy(group), check, true);

/**
 * All of the change or nothing; one that changes nothing leaves the version as it is (RFC 7644 §3.5.2). Throws Problem
 * not_found, version_mismatch, invalidValue, noTarget, and NeedsExclusiveLock.
 */
export const patchGroup = (
  work: GroupWork,
  change: GroupChange,
  check: CheckVersion,
): Promise<PeopleChange> => changeGroup(work, change, check, false);

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
): Promise<PeopleChange> => {
  const before = await locked(work, check);
  const displayName = change.displayName ?? before.displayName;
  const externalId = change.externalId === undefined ? before.externalId : change.externalId;
  const isRenamed = displayName !== before.displayName;
  const { isChanged, people } = await takeSteps(work, steps);
  if (isRenamed && work.lock === 'shared' && (isChanged || before.holdsGroups))
    throw new NeedsExclusiveLock();
  if (!always && !isChanged && !isRenamed && externalId === before.externalId) return nobody;
  await updateGroupRow(work, externalId, displayName);
  if (!isRenamed) return peopleOf(people);
  const rest = (await peopleWithin(work.tx, [work.id])).filter((id) => !people.has(id));
  await raiseVersions(work.tx, rest);
  return peopleOf([...people, ...rest]);
};

const takeSteps = async (
  work: GroupWork,
  steps: GroupChange['steps'],
): Promise<{ isChanged: boolean; people: Set<string> }> => {
  // Each step locks people in the order of their ids; two in a row do not.
  if (steps.length > 1 && work.lock === 'shared') throw new NeedsExclusiveLock();
  const people = new Set<string>();
  let isChanged = false;
  for (const step of steps) {
    const result = await changeMembers(work, step);
    isChanged ||= result.isChanged;
    for (const id of result.people) people.add(id);
  }
  return { isChanged, people };
};

/** Throws Problem not_found, version_mismatch, and NeedsExclusiveLock. */
export const removeGroup = async (work: GroupWork, check: CheckVersion): Promise<PeopleChange> => {
  const { holdsGroups, isNested } = await locked(work, check);
  if (work.lock === 'shared' && (holdsGroups || isNested)) throw new NeedsExclusiveLock();
  const people = await peopleWithin(work.tx, [work.id]);
  await raiseVersions(work.tx, people);
  await deleteGroupRow(work.tx, work.id);
  return peopleOf(people);
};
