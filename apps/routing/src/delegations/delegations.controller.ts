import { Controller } from '@nestjs/common';
import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { findRequestsOf } from '../leavers/asked-person.rows';

/** Requests that one transaction tells of delegations. */
const mostRequests = 200;

/** People whose delegations have begun, ended or gone: the requests that ask them are told, page by page. */
@Controller()
export class DelegationsController {
  @Handles('delegations.changed.v1')
  async changed(messages: Message<'delegations.changed.v1'>[], tx: Tx): Promise<void> {
    for (const message of messages) {
      const { workspaceId, data } = message;
      const cause = causeOf(message);
      const found = await findRequestsOf(tx, workspaceId, data.people, data.after, mostRequests);
      for (const { requestId, personId } of found.asked) {
        tx.publish({ type: 'request.delegations.v1', workspaceId, cause, data: { requestId, personId } });
      }
      if (found.last === null) continue;
      const rest = { people: data.people, after: found.last };
      tx.publish({ type: 'delegations.changed.v1', workspaceId, cause, data: rest });
    }
  }
}
