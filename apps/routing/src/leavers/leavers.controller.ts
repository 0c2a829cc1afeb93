import { Controller } from '@nestjs/common';
import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { findRequestsOf } from './asked-person.rows';
import { deleted, lockDepartures, writeDepartures, type Version } from './departed-person.rows';

/** Requests that one transaction tells of the people who leave. */
const mostRequests = 200;

/** People who are not active any more: the requests that ask them are told, page by page. */
@Controller()
export class LeaversController {
  @Handles('directory.changed.v1')
  async changed(messages: Message<'directory.changed.v1'>[], tx: Tx): Promise<void> {
    const changes = newestOf(messages);
    const left = changes.filter(({ active }) => !active);
    if (left.length > 0) {
      await lockDepartures(
        tx,
        left.map(({ workspaceId }) => workspaceId),
        'exclusive',
      );
    }
    writeDepartures(tx, { left, here: changes.filter(({ active, version }) => active && version > 1) });
    for (const message of messages) {
      const people = left.filter((one) => one.message === message).map(({ personId }) => personId);
      await tellRequests(tx, message, people, null);
    }
  }

  @Handles('people.leave.v1')
  async leave(messages: Message<'people.leave.v1'>[], tx: Tx): Promise<void> {
    for (const message of messages) {
      await tellRequests(tx, message, message.data.people, message.data.after);
    }
  }
}

interface Change extends Version {
  message: Message;
  active: boolean;
}

/** Each person once, as the newest of these messages says they are. */
const newestOf = (messages: readonly Message<'directory.changed.v1'>[]): Change[] => {
  const newest = new Map<string, Change>();
  for (const message of messages) {
    const { workspaceId } = message;
    const changes = [
      ...message.data.people.map(({ id, version, active }) => ({ personId: id, version, active })),
      ...message.data.deleted.map((personId) => ({ ...deleted(workspaceId, personId), active: false })),
    ];
    for (const change of changes) {
      const key = `${workspaceId} ${change.personId}`;
      const known = newest.get(key);
      if (!known || known.version < change.version) newest.set(key, { ...change, workspaceId, message });
    }
  }
  return [...newest.values()];
};

const tellRequests = async (
  tx: Tx,
  message: Message,
  people: readonly string[],
  after: string | null,
): Promise<void> => {
  if (people.length === 0) return;
  const { workspaceId } = message;
  const cause = causeOf(message);
  const found = await findRequestsOf(tx, workspaceId, people, after, mostRequests);
  for (const { requestId, personId } of found.asked) {
    tx.publish({ type: 'request.person-left.v1', workspaceId, cause, data: { requestId, personId } });
  }
  if (found.last === null) return;
  tx.publish({
    type: 'people.leave.v1',
    workspaceId,
    cause,
    data: { people: [...people], after: found.last },
  });
};
