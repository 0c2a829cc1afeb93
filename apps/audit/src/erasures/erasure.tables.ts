import { createErasureTables } from '@countersign/erasure';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Creates the record of every erasure, and where each has got to. */
export const createErasureRecordTables = async (runner: QueryRunner): Promise<void> => {
  await createErasureTables(runner, 'audit');
  // Without a subject it is for everybody in requests whose time is over.
  // `entry_id` is the fact that has the reason. `cursor` is the last index of the log that has been looked at. `workflow_keys` are those of
  // what is about no request.
  await runner.query(`
    CREATE TABLE erasure (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      subject uuid,
      entry_id uuid NOT NULL,
      requested_at timestamptz NOT NULL,
      requested_by json NOT NULL,
      phase text NOT NULL CHECK (phase IN ('collect', 'erase')),
      state text NOT NULL CHECK (state IN ('running', 'held', 'waiting', 'done')),
      has_waited boolean NOT NULL DEFAULT false,
      cursor bigint NOT NULL DEFAULT -1,
      fence xid8,
      held_by uuid[] NOT NULL DEFAULT '{}',
      workflow_keys text[] NOT NULL DEFAULT '{}',
      next_part int NOT NULL DEFAULT 0,
      counts json NOT NULL DEFAULT '{}',
      completed_at timestamptz,
      due_at timestamptz
    )`);
  await runner.query('CREATE INDEX erasure_list ON erasure (workspace_id, id)');
  await runner.query('CREATE INDEX erasure_subject ON erasure (subject)');
  await runner.query(
    'CREATE INDEX erasure_of_its_time ON erasure (workspace_id, requested_at) WHERE subject IS NULL',
  );
  await runner.query('CREATE INDEX erasure_due ON erasure (due_at) WHERE due_at IS NOT NULL');
  await runner.query(`
    CREATE TABLE erasure_request (
      erasure_id uuid NOT NULL,
      request_id uuid NOT NULL,
      workspace_id uuid NOT NULL,
      is_requester boolean NOT NULL,
      workflow_key text,
      state text NOT NULL CHECK (state IN ('waiting', 'ready', 'sent', 'done')),
      part int,
      PRIMARY KEY (erasure_id, request_id)
    )`);
  // What is left to do, so that finding the next costs the same however much is done.
  for (const state of ['ready', 'waiting']) {
    await runner.query(
      `CREATE INDEX erasure_request_${state} ON erasure_request (erasure_id, request_id) WHERE state = '${state}'`,
    );
  }
  await runner.query('CREATE INDEX erasure_request_of ON erasure_request (request_id)');
  await runner.query('CREATE INDEX erasure_request_part ON erasure_request (erasure_id, part)');
  await runner.query(`
    CREATE TABLE erasure_part (
      erasure_id uuid NOT NULL,
      part int NOT NULL,
      service text NOT NULL,
      workspace_id uuid NOT NULL,
      counts json,
      done_at timestamptz,
      PRIMARY KEY (erasure_id, part, service)
    )`);
  await runner.query('CREATE INDEX erasure_part_open ON erasure_part (erasure_id) WHERE done_at IS NULL');
  for (const table of ['erasure', 'erasure_request', 'erasure_part']) await isolateByWorkspace(runner, table);
  await openToRelay(runner, 'erasure', 'SELECT (id, workspace_id, due_at)', roleOf('audit', 'relay'));
};
