import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** Creates the idempotency table in a service's schema; every service with POST routes has its own. */
export const createIdempotencyTable = async (runner: QueryRunner, schema: string): Promise<void> => {
  await runner.query(`
    CREATE TABLE idempotency (
      workspace_id uuid NOT NULL,
      fingerprint bytea NOT NULL,
      body_hash bytea NOT NULL,
      command_id uuid,
      answer bytea,
      created_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (workspace_id, fingerprint)
    )`);
  await runner.query('CREATE INDEX idempotency_created_at ON idempotency (created_at)');
  await isolateByWorkspace(runner, 'idempotency');
  await openToRelay(runner, 'idempotency', 'SELECT, DELETE', roleOf(schema, 'relay'));
};

/** Forgets keys whose time is over (product §3: 24 h), some at a time; for `runService`'s `forget`. */
export const forgetIdempotencyKeys = `DELETE FROM idempotency WHERE (workspace_id, fingerprint) IN (
  SELECT workspace_id, fingerprint FROM idempotency
   WHERE created_at < now() - interval '25 hours' ORDER BY created_at LIMIT 5000)`;
