import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is known of publications, questions about approvers, and what a replay needs of a request. */
export class WorkflowTooling1763730000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE workflow_publication (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        workflow_id uuid NOT NULL,
        version int NOT NULL,
        published_at timestamptz NOT NULL,
        published_by json NOT NULL,
        note text
      )`);
    await runner.query(
      'CREATE INDEX workflow_publication_log ON workflow_publication (workflow_id, version, id)',
    );
    await runner.query(`
      INSERT INTO workflow_publication (id, workspace_id, workflow_id, version, published_at, published_by, note)
      SELECT gen_random_uuid(), workspace_id, workflow_id, version, published_at, published_by, note
        FROM workflow_version WHERE published_at IS NOT NULL`);
    await runner.query(`
      CREATE TABLE approver_question (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        answers json,
        asked_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('ALTER TABLE request ADD COLUMN requester json');
    for (const table of ['workflow_publication', 'approver_question'])
      await isolateByWorkspace(runner, table);
    await openToRelay(runner, 'approver_question', 'SELECT, DELETE', roleOf('intake', 'relay'));
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
