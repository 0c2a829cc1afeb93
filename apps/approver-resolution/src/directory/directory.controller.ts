import { Controller } from '@nestjs/common';
import { catalogue, type QueueName } from '@countersign/contracts';
import { causeOf, Handles, PoisonMessage, type Message, type Tx } from '@countersign/messaging';
import { refKey } from './directory-ref';
import { countGroups } from './match-groups';
import { matchUsers } from './match-users';
import { directoryPeople } from './user.rows';

const askers: readonly string[] = catalogue['directory.found.v1'].queues;
const checkers: readonly string[] = catalogue['directory.checked.v1'].queues;

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
        data: { questionId: data.questionId, people: [...ids].flatMap((id) => people.get(id) ?? []) },
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
    const [users, groups] = await Promise.all([
      matchUsers(tx, refsOf('users')),
      countGroups(tx, refsOf('groups')),
    ]);
    for (const message of messages) {
      const { workspaceId, data } = message;
      tx.publish({
        type: 'directory.checked.v1',
        workspaceId,
        cause: causeOf(message),
        to: [data.asker as QueueName],
        data: {
          questionId: data.questionId,
          unknownUsers: data.users.filter((ref) => users.get(refKey({ workspaceId, ref }))?.length !== 1),
          unknownGroups: data.groups.filter((ref) => groups.get(refKey({ workspaceId, ref })) !== 1),
        },
      });
    }
  }
}
