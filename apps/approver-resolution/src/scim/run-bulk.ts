import { Problem, problemOf, renderProblem } from '@countersign/service-kit';
import { NamedResources } from '../directory/change-facts';
import { nothing, type DirectoryChange } from '../directory/directory-change';
import { CircleFailure, makeCircle } from './bulk-circle';
import { inOrder } from './bulk-order';
import { withReferences } from './bulk-references';
import type { DirectoryWork } from './directory-writes';
import { changeOf } from './group-change';
import { createGroup, patchGroup, putGroup, removeGroup } from './group.changes';
import { groupLocation } from './group.view';
import { makeUsers, NewUsers, type NewUserOperation } from './new-users';
import { isObject } from './read-attributes';
import type { Bulk, BulkOperation } from './read-bulk';
import { readGroup } from './read-group';
import { readPatch } from './read-patch';
import { readUser, type UserInput } from './read-user';
import { checkVersion, weakTag } from './scim-answer';
import { conflict, invalid } from './scim-problem';
import { patchUser, putUser, removeUser, userMade } from './user.changes';
import { insertUser } from './user.store';
import { userLocation } from './user.view';

/** What is said of an operation (RFC 7644 §3.7.3). */
export interface BulkResult {
  method: string;
  bulkId?: string;
  location?: string;
  version?: string;
  status: string;
  response?: unknown;
}

/**
 * Carries out a bulk in one transaction: each operation wholly or not at all, whatever becomes of the others. Needs the
 * directory to itself.
 */
export class BulkRun {
  private readonly operations: BulkOperation[];
  private readonly results = new Map<number, BulkResult>();
  private readonly changed = new Set<string>();
  private readonly affected = new Set<string>();
  private readonly deleted = new Set<string>();
  private readonly resources = new NamedResources();
  private readonly delegations: DirectoryChange['delegations'][number][] = [];
  private readonly newUsers = new NewUsers();
  /** Operations that make something, by bulkId. */
  private readonly makers = new Map<string, number>();
  private errors = 0;

  constructor(
    private readonly work: DirectoryWork,
    private readonly bulk: Bulk,
    private readonly publicUrl: string,
  ) {
    this.operations = bulk.operations;
    this.operations.forEach(({ method, bulkId }, index) => {
      if (method === 'POST' && bulkId !== null && !this.makers.has(bulkId)) this.makers.set(bulkId, index);
    });
  }

  /** The results are in the order of the operations; those after too many errors have none. */
  async run(): Promise<{
    results: BulkResult[];
    change: DirectoryChange;
  }> {
    for (const component of inOrder(this.operations.map(({ refersTo }) => refersTo))) {
      if (this.isOver()) break;
      const [index = 0] = component;
      if (component.length > 1 || this.at(index).refersTo.includes(index)) await this.circle(component);
      else await this.single(index);
    }
    if (!this.isOver()) await this.makeWaiting();
    return {
      results: [...this.results].sort(([a], [b]) => a - b).map(([, result]) => result),
      change: this.resources.named.length === 0 ? nothing : this.change(),
    };
  }

  private change(): DirectoryChange {
    return {
      people: {
        changed: [...this.changed].filter((id) => !this.deleted.has(id)),
        affected: [...this.affected].filter((id) => !this.changed.has(id) && !this.deleted.has(id)),
        deleted: [...this.deleted],
      },
      resources: this.resources.named,
      unnamed: this.resources.unnamed,
      delegations: this.delegations,
    };
  }

  private isOver(): boolean {
    return this.errors >= this.bulk.failOnErrors;
  }

  private at(index: number): BulkOperation {
    const operation = this.operations[index];
    if (!operation) throw new RangeError(`there is no operation ${index}`);
    return operation;
  }

  private async single(index: number): Promise<void> {
    const operation = this.at(index);
    if (operation.method !== 'POST' || operation.type !== 'User') {
      await this.makeWaiting();
      return this.isOver() ? undefined : this.attempt([index], () => this.carryOut(index));
    }
    // What it refers to by bulkId may be waiting itself.
    if (this.newUsers.hasOneOf(operation.refersTo) || this.newUsers.isFull) await this.makeWaiting();
    if (this.isOver()) return;
    try {
      const user = readUser(this.dataOf(index));
      // And so may what it refers to by name.
      if (this.newUsers.hasOneNamedBy(user)) await this.makeWaiting();
      if (this.isOver()) return;
      this.newUsers.add({ index, id: this.idOf(index), user });
    } catch (error) {
      // In their order: earlier ones may fail too.
      await this.makeWaiting();
      if (!this.isOver()) this.fail(index, refusal(error));
    }
  }

  /** Makes the users that wait, in one statement. */
  private async makeWaiting(): Promise<void> {
    const users = this.newUsers.take();
    if (users.length === 0) return;
    const outcomes = await makeUsers(this.work, users, this.bulk.failOnErrors - this.errors);
    if (outcomes === null) return this.makeOneByOne(users);
    for (const { index } of users) {
      const outcome = outcomes.get(index);
      if (outcome instanceof Problem) this.fail(index, outcome);
      else if (outcome) this.succeed(index, '201', '1', userMade(outcome));
    }
  }

  private async makeOneByOne(users: readonly NewUserOperation[]): Promise<void> {
    for (const { index, id, user } of users) {
      if (this.isOver()) return;
      await this.attempt([index], () => this.makeUser(index, id, user));
    }
  }

  private async makeUser(index: number, id: string, user: UserInput): Promise<void> {
    const made = await insertUser(this.work.tx, this.work.workspaceId, id, user);
    this.succeed(index, '201', '1', userMade(made));
  }

  /** Carries out operations that stand or fall together; a refusal of one leaves nothing of them. */
  private async attempt(indexes: readonly number[], run: () => Promise<void>): Promise<void> {
    const { tx } = this.work;
    // Not waited for: what follows on the connection is.
    const saved = tx.query('SAVEPOINT operation');
    saved.catch(() => undefined);
    try {
      await run();
      await saved;
      tx.write('RELEASE SAVEPOINT operation');
    } catch (error) {
      const { culprit, reason } =
        error instanceof CircleFailure ? error : { culprit: indexes[0], reason: error };
      const problem = refusal(reason);
      await tx.query('ROLLBACK TO SAVEPOINT operation');
      tx.write('RELEASE SAVEPOINT operation');
      for (const index of indexes)
        this.fail(
          index,
          index === culprit ? problem : conflict('An operation that this one refers to failed.'),
        );
    }
  }

  private async carryOut(index: number): Promise<void> {
    const operation = this.at(index);
    if (operation.refusal) throw operation.refusal;
    const data = operation.method === 'DELETE' ? {} : this.dataOf(index);
    const id = this.idOf(index);
    const { tx, workspaceId } = this.work;
    const work = { ...this.work, id };
    const check = checkVersion({ ifMatch: operation.version ?? undefined });
    const isUser = operation.type === 'User';
    switch (operation.method) {
      case 'POST':
        return this.succeed(index, '201', '1', await createGroup(work, readGroup(data)));
      case 'PUT': {
        const change = isUser
          ? await putUser(tx, workspaceId, id, readUser(data), check)
          : await putGroup(work, readGroup(data), check);
        return this.succeed(index, '200', await this.versionOf(operation, id), change);
      }
      case 'PATCH': {
        const operations = readPatch(data);
        const change = isUser
          ? await patchUser(tx, workspaceId, id, operations, check)
          : await patchGroup(work, changeOf(operations), check);
        return this.succeed(index, isUser ? '200' : '204', await this.versionOf(operation, id), change);
      }
      default:
        return this.succeed(
          index,
          '204',
          null,
          isUser ? await removeUser(tx, id, check) : await removeGroup(work, check),
        );
    }
  }

  /** Operations in a circle: all of them make something. */
  private async circle(component: readonly number[]): Promise<void> {
    await this.makeWaiting();
    if (this.isOver()) return;
    const operations = component.map((index) => ({
      index,
      type: this.at(index).type,
      id: this.idOf(index),
      data: () => this.dataOf(index, component),
    }));
    await this.attempt(component, async () => {
      const changes = await makeCircle(this.work, operations);
      for (const [index, change] of changes) this.succeed(index, '201', '1', change);
    });
  }

  private idOf(index: number): string {
    const { id } = this.at(index);
    const resolved = id?.startsWith('bulkId:') ? this.made(id.slice('bulkId:'.length), []) : id;
    if (resolved === null) throw Problem.notFound('resource');
    return resolved.toLowerCase();
  }

  /** The data with ids in place of references. Throws Problem when what it refers to has failed. */
  private dataOf(index: number, circle: readonly number[] = []): Record<string, unknown> {
    const { data, refusal: reason } = this.at(index);
    if (reason) throw reason;
    const resolved = withReferences(data, (bulkId) => this.made(bulkId, circle));
    if (isObject(resolved) || Array.isArray(resolved)) return resolved as Record<string, unknown>;
    throw invalid('invalidSyntax', 'data must be a JSON object.');
  }

  private made(bulkId: string, circle: readonly number[]): string | null {
    const index = this.makers.get(bulkId) ?? -1;
    if (circle.includes(index) || this.results.get(index)?.status === '201') return this.at(index).id;
    throw conflict(`The operation with the bulkId ${bulkId} failed.`);
  }

  private async versionOf({ type }: BulkOperation, id: string): Promise<string> {
    const [row] = await this.work.tx.query<{ version: string }>(
      type === 'User'
        ? 'SELECT version FROM user_ WHERE id = $1'
        : 'SELECT version FROM group_ WHERE id = $1',
      [id],
    );
    if (!row) throw new Error('what was just changed is gone');
    return row.version;
  }

  private succeed(index: number, status: string, version: string | null, change: DirectoryChange): void {
    const { people, resources, delegations } = change;
    for (const id of people.changed) this.changed.add(id);
    for (const id of people.affected) this.affected.add(id);
    for (const id of people.deleted) this.deleted.add(id);
    this.resources.add(resources);
    this.delegations.push(...delegations);
    this.results.set(index, {
      ...this.named(index, true),
      ...(version === null ? {} : { version: weakTag(version) }),
      status,
    });
  }

  private fail(index: number, problem: Problem): void {
    this.errors++;
    this.results.set(index, {
      ...this.named(index, this.at(index).method !== 'POST'),
      status: String(problem.status),
      response: JSON.parse(renderProblem(problem, '/scim/v2/Bulk', null).body),
    });
  }

  private named(index: number, hasLocation: boolean): Pick<BulkResult, 'method' | 'bulkId' | 'location'> {
    const { method, bulkId, type, id } = this.at(index);
    const location = type === 'User' ? userLocation : groupLocation;
    return {
      ...(hasLocation && id !== null ? { location: location(this.publicUrl, this.shownId(id)) } : {}),
      method,
      ...(bulkId === null ? {} : { bulkId }),
    };
  }

  private shownId(id: string): string {
    if (!id.startsWith('bulkId:')) return id;
    const maker = this.makers.get(id.slice('bulkId:'.length));
    return (maker === undefined ? null : this.at(maker).id) ?? id;
  }
}

/** What the client is to blame for; anything else ends the bulk. */
const refusal = (error: unknown): Problem => {
  const problem = problemOf(error);
  if (problem.status >= 500) throw error;
  return problem;
};
