import { Controller } from '@nestjs/common';
import { bySystem } from '@countersign/contracts';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { storeOperationalEvents } from '../feed/feed.rows';
import { AuditLog } from './audit-log';
import type { LogEntry } from './log-entry';
import { withWorkflows } from './with-workflows';

/** What became of telling others, as entries of the log and events of the feed. */
@Controller()
export class NotificationsController {
  constructor(private readonly log: AuditLog) {}

  @Handles('notification.happened.v1')
  async happened(messages: Message<'notification.happened.v1'>[], tx: Tx): Promise<void> {
    const fresh = await storeOperationalEvents(
      tx,
      messages.map(({ workspaceId, data: { id, shown } }) => ({ workspaceId, id, data: shown })),
    );
    const entries = messages
      .filter(({ data }) => fresh.has(data.id))
      .map(({ workspaceId, data: { id, type, at, requestId, content } }): LogEntry => ({
        workspaceId,
        id,
        type,
        at,
        actor: bySystem,
        requestId,
        requestVersion: null,
        taskId: null,
        workflowKey: null,
        content,
        personal: [],
      }));
    if (entries.length > 0) await this.log.append(tx, await withWorkflows(tx, entries));
  }
}
