import type { Sql } from '@countersign/persistence';
import { clockDifferenceMs, idAt, type DeliveryState } from './delivery';
import { probeLostMs } from './endpoint-health';

/*
 * A replayed delivery starts its schedule anew and is due now: the sweeper finds it. A new attempt number takes it
 * away from whoever has it. The event, and with it webhook-id and body, stays what it was.
 */

export const replayDelivery = async (sql: Sql, id: string): Promise<void> => {
  await letThrough(sql, id);
  await sql.query(
    `UPDATE delivery SET state = 'pending', attempt = attempt + 1, tries = 0, due_at = now(), held = false, finished_at = NULL, untold = false WHERE id = $1`,
    [id],
  );
};

/** Somebody asks for this very delivery: should the endpoint's circuit be open, it is the next probe. */
export const letThrough = async (sql: Sql, id: string): Promise<void> => {
  await sql.query(
    `UPDATE endpoint_health h SET probing = $1, probe_at = now() + interval '${probeLostMs} milliseconds'
       FROM delivery d WHERE d.id = $1 AND h.endpoint_id = d.endpoint_id AND h.is_open`,
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
  // The index of the few that have not succeeded is named by its condition.
  const which =
    state === null
      ? `d.state <> 'pending' AND $5::text IS NULL`
      : state === 'succeeded'
        ? 'd.state = $5'
        : `d.state = $5 AND d.state <> 'succeeded'`;
  const rows = await sql.query<{ replayed: number }>(
    `WITH wanted AS (
       SELECT d.id FROM delivery d JOIN event v ON v.id = d.event_id
        WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id >= $6::uuid AND ${which}
          AND v.at >= $3::timestamptz AND ($4::timestamptz IS NULL OR v.at <= $4)
        ORDER BY d.id FOR UPDATE OF d
     ), replayed AS (
       UPDATE delivery d SET state = 'pending', attempt = d.attempt + 1, tries = 0, due_at = now(), held = false, finished_at = NULL, untold = false
         FROM wanted w WHERE d.id = w.id
       RETURNING 1
     )
     SELECT count(*)::int AS replayed FROM replayed`,
    // A delivery is made after its event, and its id has the time in it: what is long past is not looked at.
    [workspaceId, endpointId, since, until, state, idAt(since, -clockDifferenceMs)],
  );
  return rows[0]?.replayed ?? 0;
};
