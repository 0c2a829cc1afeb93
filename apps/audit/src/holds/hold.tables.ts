import { isolateByWorkspace } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Creates what may not be erased or pruned. A hold of nothing in particular is one of the whole workspace. */
export const createHoldTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE hold (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      request_id uuid,
      subject uuid,
      workflow_key text,
      entry_id uuid NOT NULL,
      placed_at timestamptz NOT NULL,
      placed_by json NOT NULL,
      released_at timestamptz,
      released_by json,
      CONSTRAINT hold_of_one CHECK (num_nonnulls(request_id, subject, workflow_key) <= 1)
    )`);
  await runner.query('CREATE INDEX hold_list ON hold (workspace_id, id)');
  await runner.query('CREATE INDEX hold_active ON hold (workspace_id) WHERE released_at IS NULL');
  await isolateByWorkspace(runner, 'hold');
};
