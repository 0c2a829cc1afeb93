import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A draft or a returned request may be edited again and again: a revision's payload counts from a version on. */
export class PayloadVersions1763730000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE request_payload
        ADD COLUMN request_version int NOT NULL DEFAULT 0,
        DROP CONSTRAINT request_payload_pkey,
        ADD PRIMARY KEY (request_id, revision, request_version)`);
    await runner.query('ALTER TABLE request_payload ALTER COLUMN request_version DROP DEFAULT');
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
