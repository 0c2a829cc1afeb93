import type { Sql } from '@countersign/persistence';
import { Audience, type Channel, type PersonRow, type WorkspaceRow } from './audience';

interface Row extends Record<string, unknown> {
  workspaces: WorkspaceRow[] | null;
  people: PersonRow[] | null;
  channels: Channel[] | null;
  waiting_mails: string[] | null;
  waiting_chats: string[] | null;
}

/**
 * Everything that is known of those to whom something is told, and which of some closed tasks questions are waiting about: one
 * statement.
 */
export const readAudience = async (
  sql: Sql,
  workspaceIds: readonly string[],
  people: readonly { workspaceId: string; personId: string }[],
  closedTasks: readonly string[] = [],
): Promise<Audience> => {
  const [row] = await sql.query<Row>(
    `SELECT (SELECT json_agg(json_build_object('workspaceId', w.workspace_id, 'name', w.name, 'language', w.language, 'timezone', w.timezone,
                                               'decisionLinks', w.decision_links, 'decisionLinkDays', w.decision_link_days))
               FROM workspace w WHERE w.workspace_id = ANY ($1::uuid[])) AS workspaces,
            (SELECT json_agg(json_build_object('workspaceId', asked.workspace_id, 'id', asked.id, 'reading', p.person -> 'reading', 'groups', p.person -> 'groups', 'preferences', n.preferences))
               FROM unnest($2::uuid[], $3::uuid[]) AS asked (workspace_id, id)
               LEFT JOIN person p ON p.workspace_id = asked.workspace_id AND p.id = asked.id
               LEFT JOIN notification_preference n ON n.workspace_id = asked.workspace_id AND n.person_id = asked.id) AS people,
            (SELECT json_agg(json_build_object('id', c.id, 'workspaceId', c.workspace_id, 'format', c.format, 'userId', c.user_id,
                                               'group', c.group_name, 'workflows', c.workflows, 'events', c.events) ORDER BY c.id)
               FROM chat_channel c WHERE c.workspace_id = ANY ($1::uuid[]) AND c.state = 'enabled') AS channels,
            (SELECT json_agg(m.task_id) FROM mail m WHERE m.task_id = ANY ($4::uuid[]) AND m.state IN ('held', 'standby')) AS waiting_mails,
            (SELECT json_agg(m.task_id) FROM chat_message m
              WHERE m.task_id = ANY ($4::uuid[]) AND m.state = 'pending' AND m.attempt = 0) AS waiting_chats`,
    [
      [...new Set(workspaceIds)],
      people.map(({ workspaceId }) => workspaceId),
      people.map(({ personId }) => personId),
      closedTasks,
    ],
  );
  return new Audience(row?.workspaces ?? [], row?.people ?? [], row?.channels ?? [], {
    mails: row?.waiting_mails ?? [],
    chats: row?.waiting_chats ?? [],
  });
};
