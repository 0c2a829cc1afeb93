import { Controller } from '@nestjs/common';
import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { findRequestsOf } from './asked-person.rows';

/** Requests that one transaction tells of the people who leave. */
const mostRequests = 200;

/** People who are not active any more: the requests that ask them are told, page by page. */
@Controller()
export class LeaversController {
  @Handles('directory.changed.v1')
  async changed(messages: Message<'directory.changed.v1'>[], tx: Tx): Promise<void> {
    for (const message of messages) {
      const { people, deleted } = message.data;
      const left = [...people.filter(({ active }) => !active).map(({ id }) => id), ...deleted];
      await tellRequests(tx, message, left, null);
    }
  }

  @Handles('people.leave.v1')
  async leave(messages: Message<'people.leave.v1'>[], tx: Tx): Promise<void> {
    for (const message of messages) {
      await tellRequests(tx, message, message.data.people, message.data.after);
    }
  }
}

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
