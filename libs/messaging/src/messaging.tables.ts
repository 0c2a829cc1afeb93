import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Beside the message, so that what waits can be counted by type without reading messages. */
const nameOutboxTypes = (runner: QueryRunner): Promise<unknown> =>
  runner.query('ALTER TABLE outbox_destination ADD COLUMN IF NOT EXISTS type text');

/**
 * For tables that were created before this column was. It stays empty for messages that were on their way then, and for
 * those of processes that still run the version before.
 */
export class NameOutboxTypes1763720000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await nameOutboxTypes(runner);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}

/** Creates the messaging tables in a service's schema; called from that service's first migration. */
export const createMessagingTables = async (runner: QueryRunner, schema: string): Promise<void> => {
  const relay = roleOf(schema, 'relay');
  await runner.query(`
    CREATE TABLE outbox_message (
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL,
      envelope json NOT NULL
    )`);
  // Most rows live for a second: compressing them would cost more than the room they take. No larger value is allowed.
  await runner.query('ALTER TABLE outbox_message SET (toast_tuple_target = 8160)');
  await runner.query(`
    CREATE TABLE outbox_destination (
      message_id uuid NOT NULL,
      queue text NOT NULL,
      workspace_id uuid NOT NULL,
      due_at timestamptz NOT NULL,
      attempts int NOT NULL DEFAULT 0,
      bytes int NOT NULL,
      PRIMARY KEY (message_id, queue)
    )`);
  await nameOutboxTypes(runner);
  await runner.query('CREATE INDEX outbox_destination_due_at ON outbox_destination (due_at)');
  await runner.query(`
    CREATE TABLE inbox (
      queue text NOT NULL,
      message_id uuid NOT NULL,
      workspace_id uuid NOT NULL,
      received_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (queue, message_id)
    )`);
  await runner.query('CREATE INDEX inbox_received_at ON inbox USING brin (received_at)');
  await runner.query(`
    CREATE TABLE dead_letter (
      id uuid PRIMARY KEY,
      queue text NOT NULL,
      message_id uuid NOT NULL,
      workspace_id uuid NOT NULL,
      type text NOT NULL,
      envelope json NOT NULL,
      error text NOT NULL,
      attempts int NOT NULL,
      failed_at timestamptz NOT NULL DEFAULT now(),
      replayed_at timestamptz
    )`);
  await runner.query('CREATE INDEX dead_letter_waiting ON dead_letter (failed_at) WHERE replayed_at IS NULL');
  await runner.query(
    'CREATE TABLE broker_epoch (singleton boolean PRIMARY KEY CHECK (singleton), epoch text NOT NULL)',
  );
  for (const table of ['outbox_message', 'outbox_destination', 'inbox', 'dead_letter']) {
    await isolateByWorkspace(runner, table);
  }
  await openToRelay(runner, 'outbox_message', 'SELECT, INSERT, DELETE', relay);
  await openToRelay(runner, 'outbox_destination', 'SELECT, INSERT, UPDATE, DELETE', relay);
  await openToRelay(runner, 'inbox', 'SELECT, INSERT, DELETE', relay);
  await openToRelay(runner, 'dead_letter', 'SELECT, INSERT, UPDATE', relay);
  await runner.query(`GRANT SELECT, INSERT, UPDATE ON broker_epoch TO ${relay}`);
};
