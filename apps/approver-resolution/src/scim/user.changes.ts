import { isDeepStrictEqual } from 'node:util';
import type { Tx } from '@countersign/messaging';
import { Problem } from '@countersign/service-kit';
import { nobody, type PeopleChange } from '../directory/publish-people';
import { applyPatch } from './apply-patch';
import type { PatchOperation } from './read-patch';
import { readUser, type UserInput } from './read-user';
import { userResource } from './scim-schema';
import { countersignUrn } from './user.schema';
import { deleteUser, lockUser, replaceUser, type LockedUser } from './user.store';

/** Throws when the resource must not be changed at this version. */
export type CheckVersion = (version: number) => void;

const locked = async (tx: Tx, id: string, check: CheckVersion): Promise<LockedUser> => {
  const user = await lockUser(tx, id);
  if (!user) throw Problem.notFound('user');
  check(user.version);
  return user;
};

const only = (id: string): PeopleChange => ({ changed: [id], affected: [], deleted: [] });

/** Throws Problem not_found, version_mismatch, uniqueness, invalidValue. */
export const putUser = async (
  tx: Tx,
  workspaceId: string,
  id: string,
  user: UserInput,
  check: CheckVersion,
): Promise<PeopleChange> => {
  await locked(tx, id, check);
  await replaceUser(tx, workspaceId, id, user);
  return only(id);
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
): Promise<PeopleChange> => {
  const { resource } = await locked(tx, id, check);
  const patched = applyPatch(resource, operations, userResource);
  if (isDeepStrictEqual(patched, resource)) return nobody;
  const user = readUser(patched);
  // A delegate who has gone since hinders no other change.
  const isAsBefore = isDeepStrictEqual(absenceIn(patched), absenceIn(resource));
  await replaceUser(tx, workspaceId, id, isAsBefore ? { ...user, delegateRef: null } : user);
  return only(id);
};

const absenceIn = (resource: Record<string, unknown>): unknown =>
  (resource[countersignUrn] as { outOfOffice?: unknown } | undefined)?.outOfOffice;

/** Those who reported to the user have no manager now. Throws Problem not_found, version_mismatch. */
export const removeUser = async (tx: Tx, id: string, check: CheckVersion): Promise<PeopleChange> => {
  const reports = await deleteUser(tx, id, check);
  if (!reports) throw Problem.notFound('user');
  return { changed: [], affected: reports, deleted: [id] };
};
