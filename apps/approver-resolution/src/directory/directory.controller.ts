import { Controller } from '@nestjs/common';
import { catalogue, type QueueName } from '@countersign/contracts';
import { causeOf, Handles, PoisonMessage, type Message, type Tx } from '@countersign/messaging';
import { countGroupPeople, countRolePeople } from './count-people';
import { refKey, type DirectoryRef } from './directory-ref';
import { groupIds, namedGroups } from './match-groups';
import { roleRef } from './match-roles';
import { matchUsers } from './match-users';
import { directoryPeople } from './user.rows';

const askers: readonly string[] = catalogue['directory.found.v1'].queues;
const checkers: readonly string[] = catalogue['directory.checked.v1'].queues;

/** Of the groups of one question as many are counted, and of its roles. */
const mostCounted = 200;

/** Answers other services that do not know somebody yet. */
@Controller()
export class DirectoryController {
  @Handles('directory.find.v1')
  async find(messages: Message<'directory.find.v1'>[], tx: Tx): Promise<void> {
    for (const { data } of messages) {
      if (!askers.includes(data.asker))
        throw new PoisonMessage(`${data.asker} keeps no copy of the directory`);
    }
    const matches = await matchUsers(
      tx,
      messages.flatMap(({ workspaceId, data }) => data.refs.map((ref) => ({ workspaceId, ref }))),
    );
    const found = [...new Set([...matches.values()].flat().map(({ id }) => id))];
    const people = new Map((await directoryPeople(tx, found)).map((person) => [person.id, person]));
    const groups = await namedGroups(
      tx,
      messages.flatMap(({ workspaceId, data }) => (data.groups ?? []).map((ref) => ({ workspaceId, ref }))),
    );
    for (const message of messages) {
      const { workspaceId, data } = message;
      const ids = new Set(
        data.refs.flatMap((ref) => (matches.get(refKey({ workspaceId, ref })) ?? []).map(({ id }) => id)),
      );
      tx.publish({
        type: 'directory.found.v1',
        workspaceId,
        cause: causeOf(message),
        to: [data.asker as QueueName],
        data: {
          questionId: data.questionId,
          people: [...ids].flatMap((id) => people.get(id) ?? []),
          ...(data.groups && {
            groups: data.groups.flatMap((ref) => {
              const meant = groups.filter((one) => one.ref === ref && one.workspace_id === workspaceId);
              return meant.length === 1
                ? meant.map(({ id, display_name: displayName }) => ({ ref, id, displayName }))
                : [];
            }),
          }),
        },
      });
    }
  }

  @Handles('directory.check.v1')
  async check(messages: Message<'directory.check.v1'>[], tx: Tx): Promise<void> {
    for (const { data } of messages) {
      if (!checkers.includes(data.asker)) throw new PoisonMessage(`${data.asker} checks no refs`);
    }
    const refsOf = (kind: 'users' | 'groups') =>
      messages.flatMap(({ workspaceId, data }) => data[kind].map((ref) => ({ workspaceId, ref })));
    const counted = messages.map(({ workspaceId, data }) => ({
      groups: data.groups.slice(0, mostCounted).map((ref) => ({ workspaceId, ref })),
      roles: (data.roles ?? []).slice(0, mostCounted).map((ref) => ({ workspaceId, ref })),
    }));
    const [users, groups, holders] = await Promise.all([
      matchUsers(tx, refsOf('users')),
      groupIds(tx, refsOf('groups')),
      countRolePeople(
        tx,
        counted.flatMap(({ roles }) => roles),
      ),
    ]);
    /** The only group that a ref means. */
    const groupOf = (ref: DirectoryRef): string[] => {
      const ids = groups.get(refKey(ref)) ?? [];
      return ids.length === 1 ? ids : [];
    };
    const members = await countGroupPeople(tx, [
      ...new Set(counted.flatMap((asked) => asked.groups.flatMap(groupOf))),
    ]);
    for (const [index, message] of messages.entries()) {
      const { workspaceId, data } = message;
      const { groups: askedGroups = [], roles: askedRoles = [] } = counted[index] ?? {};
      const usersOf = (ref: string) => users.get(refKey({ workspaceId, ref })) ?? [];
      tx.publish({
        type: 'directory.checked.v1',
        workspaceId,
        cause: causeOf(message),
        to: [data.asker as QueueName],
        data: {
          questionId: data.questionId,
          unknownUsers: data.users.filter((ref) => usersOf(ref).length !== 1),
          unknownGroups: data.groups.filter((ref) => groupOf({ workspaceId, ref }).length === 0),
          inactiveUsers: data.users.filter((ref) => {
            const [user, another] = usersOf(ref);
            return user && !another && !user.active;
          }),
          groupSizes: askedGroups.flatMap((asked) =>
            groupOf(asked).map((id) => ({ ref: asked.ref, people: members.get(id) ?? 0 })),
          ),
          roleSizes: askedRoles.map((asked) => ({
            ref: asked.ref,
            people: holders.get(refKey(roleRef(asked))) ?? 0,
          })),
        },
      });
    }
  }
}
