import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, 'routing');
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
        revision int NOT NULL,
        aggregate json NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE request_payload (
        request_id uuid NOT NULL,
        revision int NOT NULL,
        workspace_id uuid NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (request_id, revision)
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
    for (const table of ['definition', 'request', 'request_payload', 'decision', 'outcome']) {
      await isolateByWorkspace(runner, table);
    }
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
