import { newCause, type Tx } from '@countersign/messaging';
import type { Sql } from '@countersign/persistence';

/** Should the process die between claiming and telling, others find the moment this long after. */
const claimMs = 10_000;

/** The most that `delegations.changed.v1` carries. */
const mostPerMessage = 1_000;

export interface DueMoment {
  id: string;
  workspaceId: string;
}

/** When the next delegation begins or ends; null when none does. Across workspaces: for the sweeper's role. */
export const nextMomentAt = async (sql: Sql): Promise<Date | null> => {
  const [row] = await sql.query<{ due_at: Date | null }>(
    'SELECT min(due_at) AS due_at FROM delegation_moment',
  );
  return row?.due_at ?? null;
};

/** Claims moments that have come, each for one sweeper. Across workspaces: for the sweeper's role. */
export const claimMoments = async (sql: Sql, now: Date, limit: number): Promise<DueMoment[]> => {
  const rows = await sql.query<{ id: string; workspace_id: string }>(
    `WITH due AS (
       SELECT id FROM delegation_moment WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
     )
     UPDATE delegation_moment m SET due_at = $3 FROM due WHERE m.id = due.id RETURNING m.id, m.workspace_id`,
    [now, limit, new Date(now.getTime() + claimMs)],
  );
  return rows.map(({ id, workspace_id }) => ({ id, workspaceId: workspace_id }));
};

/** Tells routing whose tasks may have to move: those whose moment it is, and those whose delegations lead to them now. */
export const tellMoments = async (tx: Tx, moments: readonly DueMoment[]): Promise<void> => {
  const rows = await tx.query<{ workspace_id: string; person_id: string }>(
    // Each name of a delegate is looked up by itself: under row-level security the three together would be compared with
    // every absence, for each person.
    `WITH RECURSIVE told AS (
       DELETE FROM delegation_moment WHERE id = ANY ($1::uuid[]) RETURNING workspace_id, person_id
     ), affected (workspace_id, person_id) AS (
       SELECT workspace_id, person_id FROM told
       UNION
       SELECT a.workspace_id, giver.id FROM affected a
        CROSS JOIN LATERAL (
          SELECT d.from_id AS id FROM delegation d
           WHERE d.to_id = a.person_id AND d.starts_at <= now() AND d.ends_at > now()
          UNION ALL
          SELECT away.user_id FROM (
            SELECT u.workspace_id, u.id::text AS id, u.external_id, u.user_name_key FROM user_ u
             WHERE u.id = a.person_id OFFSET 0
          ) u CROSS JOIN LATERAL (
            SELECT * FROM absence k WHERE k.delegate = u.id
            UNION ALL
            SELECT * FROM absence k WHERE k.delegate = u.external_id
            UNION ALL
            SELECT * FROM absence k WHERE k.delegate_key = u.user_name_key
            OFFSET 0
          ) away
           WHERE (away.workspace_id = u.workspace_id) IS TRUE AND away.starts_at <= now() AND away.ends_at > now()
        ) giver
     )
     SELECT workspace_id, person_id FROM affected ORDER BY workspace_id, person_id`,
    [moments.map(({ id }) => id)],
  );
  const byWorkspace = new Map<string, string[]>();
  for (const { workspace_id: workspaceId, person_id: personId } of rows)
    byWorkspace.set(workspaceId, [...(byWorkspace.get(workspaceId) ?? []), personId]);
  for (const [workspaceId, people] of byWorkspace) {
    for (let from = 0; from < people.length; from += mostPerMessage) {
      tx.publish({
        type: 'delegations.changed.v1',
        workspaceId,
        cause: newCause(),
        data: { people: people.slice(from, from + mostPerMessage), after: null },
      });
    }
  }
};
