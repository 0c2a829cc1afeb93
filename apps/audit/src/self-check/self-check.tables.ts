import { openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

export const selfCheckTables = ['self_check', 'tampering'];

/** How far each log has been checked, and what was found. To be called after the tables are isolated. */
export const createSelfCheckTables = async (runner: QueryRunner): Promise<void> => {
  await runner.query(`
    CREATE TABLE self_check (
      workspace_id uuid PRIMARY KEY,
      due_at timestamptz NOT NULL DEFAULT now(),
      claim uuid,
      claimed_until timestamptz,
      -- The tree as it was when it was last found to be right: new entries must continue it.
      tail bytea,
      verified bigint NOT NULL DEFAULT 0,
      -- What a pass came to that did not meet the tail, as it would be by now: it is told, and not told again.
      known bytea,
      checked_at timestamptz,
      -- The pass over all entries that is under way.
      pass bytea,
      pass_started_at timestamptz,
      pass_due_at timestamptz NOT NULL DEFAULT now(),
      passed_at timestamptz,
      -- Those that nobody has acknowledged.
      findings int NOT NULL DEFAULT 0
    )`);
  await runner.query('CREATE INDEX self_check_due ON self_check (due_at)');
  await runner.query(`
    CREATE TABLE tampering (
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      kind text NOT NULL,
      index bigint NOT NULL,
      detail text NOT NULL,
      found_at timestamptz NOT NULL DEFAULT now(),
      seen_at timestamptz NOT NULL DEFAULT now(),
      -- A pass over everything has not found it any more.
      is_over boolean NOT NULL DEFAULT false,
      acknowledged_at timestamptz,
      acknowledged_by json,
      PRIMARY KEY (workspace_id, id)
    )`);
  await runner.query(
    'CREATE UNIQUE INDEX one_tampering_at_a_time ON tampering (workspace_id, kind, index, detail) WHERE NOT is_over',
  );
};

/** Whoever looks for what is due sees how far logs are checked, and nothing of what they say. */
export const openSelfCheck = async (runner: QueryRunner): Promise<void> => {
  await openToRelay(runner, 'self_check', 'SELECT, INSERT, UPDATE', roleOf('audit', 'relay'));
};
