import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '@countersign/messaging';
import { Problem } from '@countersign/service-kit';
import {
  deletion,
  nothing,
  resourceChange,
  type Attributes,
  type DirectoryChange,
} from '../directory/directory-change';
import { applyPatch } from './apply-patch';
import type { PatchOperation } from './read-patch';
import { readUser, type UserInput } from './read-user';
import { attributesOf } from './user-attributes';
import { userResource } from './scim-schema';
import { countersignUrn } from './user.schema';
import { deleteUser, lockUser, replaceUser, type LockedUser, type NewUser } from './user.store';

/** Throws when the resource must not be changed at this version. */
export type CheckVersion = (version: number) => void;

const locked = async (tx: Tx, id: string, check: CheckVersion): Promise<LockedUser> => {
  const user = await lockUser(tx, id);
  if (!user) throw Problem.notFound('user');
  check(user.version);
  return user;
};

const only = (id: string, { attributes: before }: LockedUser, after: Attributes): DirectoryChange => ({
  people: { changed: [id], affected: [], deleted: [] },
  resources: [resourceChange('User', id, before, after)],
  delegations: [],
});

/** Somebody who has just been made. */
export const userMade = ({ id, user, managerId }: NewUser): DirectoryChange => ({
  people: { changed: [id], affected: [], deleted: [] },
  resources: [resourceChange('User', id, null, attributesOf(user.resource, user.externalId, managerId))],
  delegations: [],
});

/** Throws Problem not_found, version_mismatch, uniqueness, invalidValue. */
export const putUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  user: UserInput,
  check: CheckVersion,
): Promise<DirectoryChange> => {
  const before = await locked(tx, id, check);
  return only(id, before, await replaceUser(tx, workspaceId, id, user));
};

/**
 * All operations or none; a PATCH that changes nothing leaves the version as it is (RFC 7644 §3.5.2). Throws Problem
 * not_found, version_mismatch, uniqueness and those of `applyPatch`.
 */
export const patchUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  operations: readonly PatchOperation[],
  check: CheckVersion,
): Promise<DirectoryChange> => {
  const before = await locked(tx, id, check);
  const { resource } = before;
  const patched = applyPatch(resource, operations, userResource);
  if (isDeepStrictEqual(patched, resource)) return nothing;
  const user = readUser(patched);
  // A delegate who has gone since hinders no other change.
  const isAsBefore = isDeepStrictEqual(absenceIn(patched), absenceIn(resource));
  const after = await replaceUser(tx, workspaceId, id, isAsBefore ? { ...user, delegateRef: null } : user);
  return only(id, before, after);
};

const absenceIn = (resource: Record<string, unknown>): unknown =>
  (resource[countersignUrn] as { outOfOffice?: unknown } | undefined)?.outOfOffice;

/** Those who reported to the user have no manager now. Throws Problem not_found, version_mismatch. */
export const removeUser = async (tx: Tx, id: string, check: CheckVersion): Promise<DirectoryChange> => {
  const gone = await deleteUser(tx, id, check);
  if (!gone) throw Problem.notFound('user');
  const { reports, groups, delegations } = gone;
  return {
    people: { changed: [], affected: reports, deleted: [id] },
    resources: [
      deletion('User', id),
      ...groups.map((group) => resourceChange('Group', group, {}, {}, { removed: [id] })),
      ...reports.map((report) => resourceChange('User', report, { manager: id }, {})),
    ],
    delegations,
  };
};
