import type { DecisionLink } from '@countersign/decision-link';
import type { Sql } from '@countersign/persistence';

/**
 * Uses a link for a command, in the transaction that writes it, and answers the command that the link is used for: an
 * earlier one, unless that was refused and so has changed nothing. Of two at once the second waits for the first's commit.
 */
export const useLink = async (
  sql: Sql,
  { id, workspaceId, expiresAt }: DecisionLink,
  commandId: string,
): Promise<string> => {
  const [used] = await sql.query<{ command_id: string }>(
    `INSERT INTO decision_link_use (link_id, workspace_id, command_id, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (link_id) DO UPDATE SET command_id = excluded.command_id
      WHERE EXISTS (SELECT FROM command c WHERE c.id = decision_link_use.command_id AND c.state = 'refused')
     RETURNING command_id`,
    [id, workspaceId, commandId, expiresAt],
  );
  if (used) return used.command_id;
  const [earlier] = await sql.query<{ command_id: string }>(
    'SELECT command_id FROM decision_link_use WHERE link_id = $1',
    [id],
  );
  if (!earlier) throw new Error('a link that is used for nothing');
  return earlier.command_id;
};

/** Whether a link is used for a command that is still on its way. */
export const isLinkBusy = async (sql: Sql, linkId: string): Promise<boolean> => {
  const rows = await sql.query(
    `SELECT FROM decision_link_use u JOIN command c ON c.id = u.command_id WHERE u.link_id = $1 AND c.state = 'pending'`,
    [linkId],
  );
  return rows.length > 0;
};

/** An expired link is refused before anybody asks whether it was used. */
export const forgetLinkUses = `DELETE FROM decision_link_use WHERE link_id IN (
  SELECT link_id FROM decision_link_use WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT 5000)`;
