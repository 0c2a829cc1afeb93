import { createErasureTables } from '@countersign/erasure';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, 'routing');
    await createErasureTables(runner, 'routing');
    await runner.query(`
      CREATE TABLE definition (
        workspace_id uuid NOT NULL,
        workflow_id uuid NOT NULL,
        version int NOT NULL,
        key text NOT NULL,
        definition json NOT NULL,
        PRIMARY KEY (workspace_id, workflow_id, version)
      )`);
    await runner.query(`
      CREATE TABLE request (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        version int NOT NULL,
        payload_revision int NOT NULL,
        due_at timestamptz,
        -- What it says is gone for good.
        erased boolean NOT NULL DEFAULT false,
        aggregate json NOT NULL
      )`);
    await runner.query('CREATE INDEX request_due ON request (due_at) WHERE due_at IS NOT NULL');
    await runner.query(`
      CREATE TABLE request_payload (
        request_id uuid NOT NULL,
        revision int NOT NULL,
        workspace_id uuid NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (request_id, revision)
      )`);
    await runner.query(`
      CREATE TABLE asked_person (
        workspace_id uuid NOT NULL,
        person_id uuid NOT NULL,
        request_id uuid NOT NULL,
        PRIMARY KEY (workspace_id, person_id, request_id)
      )`);
    // The decider allows one decision a task and one end a request. Should it ever not, these refuse the transaction.
    await runner.query(`
      CREATE TABLE decision (
        task_id uuid CONSTRAINT one_decision_per_task PRIMARY KEY,
        workspace_id uuid NOT NULL,
        request_id uuid NOT NULL,
        decision text NOT NULL,
        decided_by uuid NOT NULL,
        decided_at timestamptz NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE outcome (
        request_id uuid CONSTRAINT one_outcome_per_request PRIMARY KEY,
        workspace_id uuid NOT NULL,
        state text NOT NULL,
        ended_at timestamptz NOT NULL
      )`);
    // A check whose answer nobody waits for: a decision on an outdated version ends the transaction, COMMIT and all.
    await runner.query(`
      CREATE FUNCTION fence(written bigint, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        IF written <> wanted THEN
          RAISE EXCEPTION 'fenced: % of % requests are not at the version that was decided on', wanted - written, wanted;
        END IF;
      END $$`);
    for (const table of ['definition', 'request', 'request_payload', 'asked_person', 'decision', 'outcome']) {
      await isolateByWorkspace(runner, table);
    }
    // For the timers: which request is due, and nothing of what it is about.
    await openToRelay(
      runner,
      'request',
      'SELECT (id, workspace_id, due_at), UPDATE (due_at)',
      roleOf('routing', 'relay'),
    );
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
