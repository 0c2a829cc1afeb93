import { isolateByWorkspace } from '@countersign/persistence';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who has left, so that an answer that found them active gives them no task. */
export class Departures1763740000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE departed_person (
        workspace_id uuid NOT NULL,
        person_id uuid NOT NULL,
        version int NOT NULL,
        PRIMARY KEY (workspace_id, person_id)
      )`);
    await isolateByWorkspace(runner, 'departed_person');
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
