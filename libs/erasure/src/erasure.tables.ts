import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Creates what a service remembers of erasures: what is erased, and what it still has to do. */
export const createErasureTables = async (runner: QueryRunner, schema: string): Promise<void> => {
  // Whose data are gone from a request, for good: what arrives about it later is stored without them.
  await runner.query(`
    CREATE TABLE erased_request (
      request_id uuid NOT NULL,
      subject uuid NOT NULL,
      workspace_id uuid NOT NULL,
      is_requester boolean NOT NULL,
      PRIMARY KEY (request_id, subject)
    )`);
  // `fence`: whoever had begun to write before it may not have seen what is marked. `done` counts requests, `cursor` is the
  // place in what is looked through as a whole.
  await runner.query(`
    CREATE TABLE erasure_work (
      erasure_id uuid NOT NULL,
      part int NOT NULL,
      workspace_id uuid NOT NULL,
      subject uuid,
      requests json NOT NULL,
      general boolean NOT NULL,
      correlation_id uuid NOT NULL,
      fence xid8,
      done int NOT NULL DEFAULT 0,
      cursor text,
      counts json NOT NULL DEFAULT '{}',
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (erasure_id, part)
    )`);
  for (const table of ['erased_request', 'erasure_work']) await isolateByWorkspace(runner, table);
  await openToRelay(
    runner,
    'erasure_work',
    'SELECT (erasure_id, part, workspace_id, created_at)',
    roleOf(schema, 'relay'),
  );
};
