import { Handles, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';

/** Keeps what people are told about their workspaces: the newest version of each, whatever order messages come in. */
@Controller()
export class WorkspacesController {
  @Handles('workspace.described.v1')
  async described(messages: Message<'workspace.described.v1'>[], tx: Tx): Promise<void> {
    const newest = new Map<string, Message<'workspace.described.v1'>>();
    for (const message of messages) {
      const known = newest.get(message.workspaceId);
      if ((known?.data.version ?? -1) < message.data.version) newest.set(message.workspaceId, message);
    }
    const rows = [...newest.values()].sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
    tx.write(
      `INSERT INTO workspace (workspace_id, name, language, timezone, decision_links, decision_link_days, version)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::int[], $7::int[])
       ON CONFLICT (workspace_id) DO UPDATE
          SET name = excluded.name, language = excluded.language, timezone = excluded.timezone,
              decision_links = excluded.decision_links, decision_link_days = excluded.decision_link_days, version = excluded.version
        WHERE workspace.version < excluded.version`,
      [
        rows.map(({ workspaceId }) => workspaceId),
        rows.map(({ data }) => data.name),
        rows.map(({ data }) => data.language),
        rows.map(({ data }) => data.timezone),
        rows.map(({ data }) => data.decisionLinks),
        rows.map(({ data }) => data.decisionLinkDays),
        rows.map(({ data }) => data.version),
      ],
    );
  }
}
