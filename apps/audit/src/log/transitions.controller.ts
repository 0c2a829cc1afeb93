import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { storeForFeed } from '../feed/feed.rows';
import { AuditLog } from './audit-log';
import { entriesOf } from './transition-entries';

@Controller()
export class TransitionsController {
  constructor(private readonly log: AuditLog) {}

  @Handles('request.transitioned.v1')
  async transitioned(messages: Message<'request.transitioned.v1'>[], tx: Tx): Promise<void> {
    // Within a pack one request's facts are appended in their order; packs may overtake each other.
    const transitions = messages
      .map(({ data }) => data)
      .sort((a, b) => a.request.version - b.request.version);
    const fresh = await storeForFeed(tx, transitions);
    if (fresh.length > 0) await this.log.append(tx, fresh.flatMap(entriesOf));
  }
}
