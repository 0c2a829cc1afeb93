import { Controller } from '@nestjs/common';
import { causeOf, Handles, type Message, type Tx } from '@countersign/messaging';
import { publishLater, publishPeople } from './publish-people';

/** Messages wait in memory until the commit, and resolutions wait behind them: so many bytes of people for one transaction. */
const mostBytes = 2 * 1024 * 1024;

/** Tells the other services of people for whom a group or the like has changed, as they are by now. */
@Controller()
export class PublishPeopleController {
  @Handles('directory.publish.v1')
  async publish(messages: Message<'directory.publish.v1'>[], tx: Tx): Promise<void> {
    let room = mostBytes;
    for (const message of messages) {
      const { workspaceId, data } = message;
      const cause = causeOf(message);
      const { bytes, left } = await publishPeople(tx, workspaceId, data.people, cause, room);
      room -= bytes;
      publishLater(tx, workspaceId, left, cause);
    }
  }
}
