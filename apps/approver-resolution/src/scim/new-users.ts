import { Problem } from '@countersign/service-kit';
import { userNameKey } from '../directory/directory-ref';
import type { DirectoryWork } from './directory-writes';
import { managersOf } from './named-users';
import type { UserInput } from './read-user';
import { insertUsers, takenName, type NewUser } from './user.store';

/** Users that are made by one statement. */
const mostAtOnce = 500;

/** An operation of a bulk that makes a user. */
export interface NewUserOperation {
  index: number;
  id: string;
  user: UserInput;
}

/** Users of a bulk that are yet to be made, in the order of their operations, and what others may call them. */
export class NewUsers {
  private readonly waiting = new Map<number, NewUserOperation>();
  private readonly names = new Set<string>();

  get isFull(): boolean {
    return this.waiting.size >= mostAtOnce;
  }

  hasOneOf(indexes: readonly number[]): boolean {
    return indexes.some((index) => this.waiting.has(index));
  }

  /** Whether one of them is the manager or delegate of a user. */
  hasOneNamedBy({ managerRef, delegateRef }: UserInput): boolean {
    return [managerRef, delegateRef].some((ref) => ref !== null && this.names.has(userNameKey(ref)));
  }

  add(operation: NewUserOperation): void {
    this.waiting.set(operation.index, operation);
    const { userName, externalId } = operation.user;
    for (const name of [userName, externalId]) if (name !== null) this.names.add(userNameKey(name));
  }

  /** Those who waited; from now on nobody does. */
  take(): NewUserOperation[] {
    const users = [...this.waiting.values()];
    this.waiting.clear();
    this.names.clear();
    return users;
  }
}

/**
 * Makes users who do not depend on each other, by one statement. Returns them as they were made, or why they could not be, by
 * operation; null when as many failed as end the bulk: then nothing has been done, for who comes after the last of them must not be there.
 */
export const makeUsers = async (
  { tx, workspaceId }: DirectoryWork,
  users: readonly NewUserOperation[],
  tooMany: number,
): Promise<ReadonlyMap<number, NewUser | Problem> | null> => {
  await tx.query('SAVEPOINT operation');
  const managers = await managersOf(tx, workspaceId, users);
  const outcomes = new Map<number, NewUser | Problem>();
  for (const { index, id, user } of users) {
    const managerId = managers.get(id) ?? null;
    outcomes.set(index, managerId instanceof Problem ? managerId : { id, user, managerId });
  }
  const rows = [...outcomes.values()].filter((one): one is NewUser => !(one instanceof Problem));
  const made = rows.length > 0 ? await insertUsers(tx, workspaceId, rows) : new Set<string>();
  for (const [index, one] of outcomes)
    if (!(one instanceof Problem) && !made.has(one.id)) outcomes.set(index, takenName(one.user.userName));
  const failures = [...outcomes.values()].filter((one) => one instanceof Problem).length;
  const isTooMuch = failures >= tooMany && users.length > 1;
  if (isTooMuch) await tx.query('ROLLBACK TO SAVEPOINT operation');
  await tx.query('RELEASE SAVEPOINT operation');
  return isTooMuch ? null : outcomes;
};
