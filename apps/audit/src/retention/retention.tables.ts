import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Entries of a tile of level 0: what is pruned, is pruned by whole tiles. */
export const tileEntries = 256;

/** Creates how long each workspace keeps what, what was pruned, and the only way to prune. */
export const createRetentionTables = async (runner: QueryRunner): Promise<void> => {
  // Durations as they were given. `cursor` is the last index that was looked at. By then, and by duration in `fronts`, so is everything
  // before a time; whatever grows old later is behind it. `erasure_id` is what this sweep has begun.
  await runner.query(`
    CREATE TABLE retention (
      workspace_id uuid PRIMARY KEY,
      keep text,
      workflows jsonb NOT NULL,
      version int NOT NULL,
      cursor bigint NOT NULL DEFAULT -1,
      fronts jsonb NOT NULL DEFAULT '{}',
      erasure_id uuid,
      due_at timestamptz NOT NULL
    )`);
  await runner.query('CREATE INDEX retention_due ON retention (due_at)');
  // The frontier of the log as it was at the size up to which it is pruned: its root, and those of later sizes, follow from it.
  await runner.query(`
    CREATE TABLE log_prune (
      workspace_id uuid NOT NULL,
      size bigint NOT NULL,
      frontier bytea NOT NULL,
      pruned_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (workspace_id, size)
    )`);
  for (const table of ['retention', 'log_prune']) await isolateByWorkspace(runner, table);
  await openToRelay(runner, 'retention', 'SELECT (workspace_id, due_at)', roleOf('audit', 'relay'));
  for (const text of [keeping, covering, blocking, pruning]) await runner.query(text);
  const app = roleOf('audit', 'app');
  await runner.query('REVOKE ALL ON FUNCTION prune_tile(uuid, timestamptz) FROM PUBLIC');
  await runner.query(`GRANT EXECUTE ON FUNCTION prune_tile(uuid, timestamptz) TO ${app}`);
};

/**
 * Before which time the time of what happened in a workflow (null: in none) is over; null: it is kept for ever. Calendars are
 * those of UTC, as for the fronts of a sweep.
 */
const keeping = `
  CREATE FUNCTION over_before(workspace uuid, workflow text, as_of timestamptz) RETURNS timestamptz LANGUAGE sql STABLE SECURITY INVOKER AS $$
    SELECT (as_of AT TIME ZONE 'UTC' - CASE WHEN workflow IS NOT NULL AND r.workflows ? workflow THEN r.workflows ->> workflow ELSE r.keep END::interval) AT TIME ZONE 'UTC'
      FROM retention r WHERE r.workspace_id = workspace
  $$`;

/** Whether an active hold covers a request (null: what is about none) or, if it is about somebody, what is sealed there. */
const covering = `
  CREATE FUNCTION is_held(workspace uuid, request uuid, workflow text) RETURNS boolean LANGUAGE sql STABLE SECURITY INVOKER AS $$
    SELECT EXISTS (
      SELECT FROM hold h
       WHERE h.workspace_id = workspace AND h.released_at IS NULL
         AND ((h.request_id IS NULL AND h.subject IS NULL AND h.workflow_key IS NULL)
              OR h.request_id = request OR h.workflow_key = workflow
              OR (h.subject IS NOT NULL AND request IS NOT NULL
                  AND EXISTS (SELECT FROM entry e JOIN sealed s ON s.workspace_id = e.workspace_id AND s.index = e.index
                               WHERE e.workspace_id = workspace AND e.request_id = request AND s.subject = h.subject))))
  $$`;

/**
 * The first entry from an index on that must stay, before another index: its time is not over, a hold covers it, or its request still
 * runs or has not been erased everywhere. An entry about no request also stays while a hold on somebody in it does, and
 * those that have the reasons of holds and of erasures for as long as these last.
 */
const blocking = `
  CREATE FUNCTION first_kept(workspace uuid, from_index bigint, to_index bigint, as_of timestamptz) RETURNS bigint
  LANGUAGE sql STABLE SECURITY INVOKER AS $$
    SELECT min(e.index) FROM entry e
     WHERE e.workspace_id = workspace AND e.index >= from_index AND e.index < to_index
       AND ((e.at < over_before(workspace, e.workflow_key, as_of)) IS NOT TRUE
            OR is_held(workspace, e.request_id, e.workflow_key)
            OR (e.type = 'hold.placed'
                AND EXISTS (SELECT FROM hold h WHERE h.workspace_id = workspace AND h.released_at IS NULL AND h.entry_id = e.id))
            OR (e.type = 'erasure.requested'
                AND EXISTS (SELECT FROM erasure x WHERE x.workspace_id = workspace AND x.state <> 'done' AND x.entry_id = e.id))
            OR (e.request_id IS NULL
                AND EXISTS (SELECT FROM sealed s JOIN hold h ON h.workspace_id = workspace AND h.released_at IS NULL AND h.subject = s.subject
                             WHERE s.workspace_id = workspace AND s.index = e.index))
            OR (e.request_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM erasure_request r JOIN erasure x ON x.id = r.erasure_id
                                 WHERE r.request_id = e.request_id AND x.subject IS NULL AND r.state = 'done')))
  $$`;

/**
 * Deletes the first tile of a log, if nothing in it must stay; answers the first index that is left, null when nothing was deleted.
 * The service may delete entries in no other way. It runs as the owner, for the workspace that the transaction names and
 * no other, believes nothing that it is told but a time that has come, and takes the lock of an append.
 */
const pruning = `
  CREATE FUNCTION prune_tile(workspace uuid, as_of timestamptz) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = audit, pg_temp AS $$
  DECLARE
    first_entry bigint;
    log_size bigint;
    requests uuid[];
    events uuid[];
  BEGIN
    IF as_of > now() + interval '1 second' THEN
      RAISE EXCEPTION 'nothing is pruned before its time';
    END IF;
    IF (workspace::text = ANY (string_to_array(nullif(current_setting('app.workspaces', true), ''), ','))) IS NOT TRUE THEN
      RAISE EXCEPTION 'the transaction does not name this workspace';
    END IF;
    SELECT h.first_index, ('x' || encode(substring(h.frontier FROM 1 FOR 8), 'hex'))::bit(64)::bigint
      INTO first_entry, log_size FROM log_head h WHERE h.workspace_id = workspace FOR UPDATE;
    IF first_entry IS NULL OR log_size < first_entry + ${tileEntries} THEN
      RETURN NULL;
    END IF;
    PERFORM FROM hold WHERE workspace_id = workspace AND released_at IS NULL FOR SHARE;
    IF first_kept(workspace, first_entry, first_entry + ${tileEntries}, as_of) IS NOT NULL THEN
      RETURN NULL;
    END IF;
    WITH gone AS (
      DELETE FROM entry e WHERE e.workspace_id = workspace AND e.index >= first_entry AND e.index < first_entry + ${tileEntries}
      RETURNING e.id, e.request_id
    )
    SELECT array_agg(DISTINCT request_id), array_agg(id) INTO requests, events FROM gone;
    DELETE FROM sealed s WHERE s.workspace_id = workspace AND s.index >= first_entry AND s.index < first_entry + ${tileEntries};
    DELETE FROM operational_event o WHERE o.workspace_id = workspace AND o.id = ANY (events);
    DELETE FROM transition t WHERE t.request_id = ANY (requests)
       AND NOT EXISTS (SELECT FROM entry e WHERE e.workspace_id = workspace AND e.request_id = t.request_id);
    DELETE FROM request_payload p WHERE p.request_id = ANY (requests)
       AND NOT EXISTS (SELECT FROM entry e WHERE e.workspace_id = workspace AND e.request_id = p.request_id);
    UPDATE log_head h SET first_index = first_entry + ${tileEntries}, pruned_at = now() WHERE h.workspace_id = workspace;
    RETURN first_entry + ${tileEntries};
  END $$`;
