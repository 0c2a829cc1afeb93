import { Controller } from '@nestjs/common';
import { readErasedRequests } from '@countersign/erasure';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { endedStates } from '../erasures/ended';
import { ErasureRunner } from '../erasures/erasure-runner';
import { requestsEnded } from '../erasures/erasure.rows';
import { sealLate } from '../erasures/late-data';
import { storeForFeed } from '../feed/feed.rows';
import { AuditLog } from './audit-log';
import { entriesOf } from './transition-entries';

@Controller()
export class TransitionsController {
  constructor(
    private readonly log: AuditLog,
    private readonly erasures: ErasureRunner,
  ) {}

  @Handles('request.transitioned.v1')
  async transitioned(messages: Message<'request.transitioned.v1'>[], tx: Tx): Promise<void> {
    // Within a pack one request's facts are appended in their order; packs may overtake each other.
    const transitions = messages
      .map(({ data }) => data)
      .sort((a, b) => a.request.version - b.request.version);
    const erased = await readErasedRequests(
      tx,
      transitions.map(({ request }) => request.id),
    );
    const fresh = await storeForFeed(tx, transitions, erased);
    if (fresh.length === 0) return;
    // The leaf is that of what happened, whatever is kept of it.
    const late = await sealLate(
      tx,
      fresh.flatMap(entriesOf),
      erased,
      fresh.map(({ request }) => request),
    );
    const ended = fresh.filter(({ request }) => endedStates.includes(request.state));
    const isAwaited = await requestsEnded(
      tx,
      ended.map(({ request }) => request.id),
    );
    await this.log.append(tx, late.entries);
    if (late.isReopened || isAwaited) tx.afterCommit(() => this.erasures.wake());
  }
}
