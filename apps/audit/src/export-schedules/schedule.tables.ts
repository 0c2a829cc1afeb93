import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

export const createExportScheduleTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE export_schedule (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      name text NOT NULL,
      format text NOT NULL,
      every text NOT NULL,
      every_seconds int NOT NULL,
      filter json NOT NULL,
      target json NOT NULL,
      state text NOT NULL,
      next_index bigint NOT NULL,
      due_at timestamptz NOT NULL,
      lease uuid,
      lease_until timestamptz NOT NULL DEFAULT '-infinity',
      failures int NOT NULL DEFAULT 0,
      last_error text,
      version int NOT NULL DEFAULT 1,
      key_id text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now()
    )`);
  await runner.query('CREATE INDEX export_schedule_list ON export_schedule (workspace_id, id)');
  await runner.query(`CREATE INDEX export_schedule_due ON export_schedule (due_at) WHERE state = 'active'`);
  // What a run is to export is written down before it begins, so that whoever takes over makes the same file.
  await runner.query(`
    CREATE TABLE export_run (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      schedule_id uuid NOT NULL REFERENCES export_schedule ON DELETE CASCADE,
      from_index bigint NOT NULL,
      to_index bigint NOT NULL,
      tree_size bigint NOT NULL,
      checkpoint text NOT NULL,
      file text NOT NULL,
      state text NOT NULL,
      attempts int NOT NULL DEFAULT 0,
      entries bigint,
      bytes bigint,
      sha256 text,
      error text,
      started_at timestamptz NOT NULL DEFAULT now(),
      ended_at timestamptz
    )`);
  await runner.query('CREATE INDEX export_run_list ON export_run (schedule_id, id)');
  await runner.query(
    `CREATE UNIQUE INDEX one_run_at_a_time ON export_run (schedule_id) WHERE state = 'running'`,
  );
  for (const table of ['export_schedule', 'export_run']) await isolateByWorkspace(runner, table);
  await openToRelay(runner, 'export_schedule', 'SELECT, UPDATE', roleOf('audit', 'relay'));
};
