import { matchesEvent } from '@countersign/contracts';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';
import { readSubscribers, writeOperationalDeliveries } from './operational-deliveries';

/** Tells what happened to the audit log to the endpoints that name it; not to those for some workflows, for it is about all. */
@Controller()
export class AuditHappenedController {
  @Handles('audit.happened.v1')
  async happened(messages: Message<'audit.happened.v1'>[], tx: Tx): Promise<void> {
    const subscribers = await readSubscribers(
      tx,
      messages.map(({ workspaceId }) => workspaceId),
      messages.map(({ data }) => data.type),
    );
    writeOperationalDeliveries(
      tx,
      messages.map(({ workspaceId, data: { id, type, at, shown } }) => ({
        id,
        workspaceId,
        type,
        at,
        data: shown,
        subscribers: subscribers.filter(
          (one) =>
            one.workspaceId === workspaceId && one.workflows === null && matchesEvent(one.events, type),
        ),
      })),
    );
  }
}
