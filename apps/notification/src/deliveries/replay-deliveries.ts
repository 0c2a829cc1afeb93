import type { Sql } from '@countersign/persistence';
import type { DeliveryState } from './delivery';

/*
 * A replayed delivery starts its schedule anew and is due now: the sweeper finds it. A new attempt number takes it
 * away from whoever has it. The event, and with it webhook-id and body, stays what it was.
 */

export const replayDelivery = async (sql: Sql, id: string): Promise<void> => {
  await sql.query(
    `UPDATE delivery SET state = 'pending', attempt = attempt + 1, tries = 0, due_at = now(), finished_at = NULL WHERE id = $1`,
    [id],
  );
};

export interface ReplayPeriod {
  workspaceId: string;
  endpointId: string;
  since: string;
  until: string | null;
  /** Null: every state but `pending`, which is under way anyway. */
  state: DeliveryState | null;
}

/** Replays what an endpoint was to get for the events of a period, both ends included; answers how many. */
export const replayPeriod = async (
  sql: Sql,
  { workspaceId, endpointId, since, until, state }: ReplayPeriod,
): Promise<number> => {
  const rows = await sql.query<{ replayed: number }>(
    `WITH replayed AS (
       UPDATE delivery d SET state = 'pending', attempt = d.attempt + 1, tries = 0, due_at = now(), finished_at = NULL
         FROM event v
        WHERE v.id = d.event_id AND d.workspace_id = $1 AND d.endpoint_id = $2
          AND v.at >= $3::timestamptz AND ($4::timestamptz IS NULL OR v.at <= $4)
          AND CASE WHEN $5::text IS NULL THEN d.state <> 'pending' ELSE d.state = $5 END
       RETURNING 1
     )
     SELECT count(*)::int AS replayed FROM replayed`,
    [workspaceId, endpointId, since, until, state],
  );
  return rows[0]?.replayed ?? 0;
};
