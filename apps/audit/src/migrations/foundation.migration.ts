import { createDirectoryReplicaTables } from '@countersign/directory-replica';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import { createIdempotencyTable } from '@countersign/service-kit';
import { createExportScheduleTables } from '../export-schedules/schedule.tables';
import { createSyslogTables } from '../syslog/syslog.tables';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSelfCheckTables, openSelfCheck, selfCheckTables } from '../self-check/self-check.tables';
import { createTileTables, tileTables } from '../tiles/tile.tables';
import { createWitnessTables, witnessTables } from '../witnesses/witness.tables';
import { createAnalyticsTables } from '../analytics/analytics.tables';
import { createErasureRecordTables } from '../erasures/erasure.tables';
import { createHoldTables } from '../holds/hold.tables';
import { createRetentionTables } from '../retention/retention.tables';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, 'audit');
    await createIdempotencyTable(runner, 'audit');
    await createDirectoryReplicaTables(runner, 'audit');
    // Locked for every append: what gives entries their index, without gaps.
    await runner.query(`
      CREATE TABLE log_head (
        workspace_id uuid PRIMARY KEY,
        frontier bytea NOT NULL,
        sealed_seed bytea NOT NULL,
        checkpoint text NOT NULL,
        -- Entries before this one were pruned.
        first_index bigint NOT NULL DEFAULT 0 CHECK (first_index % 256 = 0),
        pruned_at timestamptz
      )`);
    await runner.query(`
      CREATE TABLE entry (
        workspace_id uuid NOT NULL,
        index bigint NOT NULL,
        id uuid NOT NULL,
        type text NOT NULL,
        at timestamptz NOT NULL,
        actor_id text,
        request_id uuid,
        request_version int,
        task_id uuid,
        workflow_key text,
        content json NOT NULL,
        leaf_hash bytea NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (workspace_id, index),
        CONSTRAINT one_entry_per_event UNIQUE (workspace_id, id)
      )`);
    await runner.query('CREATE INDEX entry_request ON entry (workspace_id, request_id, index)');
    await runner.query('CREATE INDEX entry_actor ON entry (workspace_id, actor_id, index)');
    await runner.query('CREATE INDEX entry_type ON entry (workspace_id, type, index)');
    await runner.query('CREATE INDEX entry_at ON entry (workspace_id, at, index)');
    // Beside the log, per person: salt and data go when the person is erased, the commitment stays.
    await runner.query(`
      CREATE TABLE sealed (
        workspace_id uuid NOT NULL,
        index bigint NOT NULL,
        position int NOT NULL,
        subject uuid NOT NULL,
        kind text NOT NULL,
        commitment text NOT NULL,
        salt bytea,
        data json,
        PRIMARY KEY (workspace_id, index, position)
      )`);
    await runner.query('CREATE INDEX sealed_subject ON sealed (workspace_id, subject, index)');
    // What the event feed shows: each transition's request once, each revision's payload once.
    await runner.query(`
      CREATE TABLE transition (
        request_id uuid NOT NULL,
        request_version int NOT NULL,
        workspace_id uuid NOT NULL,
        snapshot json NOT NULL,
        PRIMARY KEY (request_id, request_version)
      )`);
    await runner.query(`
      CREATE TABLE request_payload (
        request_id uuid NOT NULL,
        revision int NOT NULL,
        workspace_id uuid NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (request_id, revision)
      )`);
    // And what is shown of events about endpoints and deliveries.
    await runner.query(`
      CREATE TABLE operational_event (
        workspace_id uuid NOT NULL,
        id uuid NOT NULL,
        data json NOT NULL,
        PRIMARY KEY (workspace_id, id)
      )`);
    await createSelfCheckTables(runner);
    await createTileTables(runner);
    await createWitnessTables(runner);
    await createErasureRecordTables(runner);
    await createHoldTables(runner);
    await createRetentionTables(runner);
    for (const table of [
      'log_head',
      'entry',
      'sealed',
      'transition',
      'request_payload',
      'operational_event',
      ...selfCheckTables,
      ...tileTables,
      ...witnessTables,
    ]) {
      await isolateByWorkspace(runner, table);
    }
    // Whoever looks for work sees which logs there are and how long they are, and nothing of what they say.
    await openToRelay(runner, 'log_head', 'SELECT (workspace_id, frontier)', roleOf('audit', 'relay'));
    await openSelfCheck(runner);
    await createAnalyticsTables(runner, 'audit');
    await createSyslogTables(runner);
    await createExportScheduleTables(runner);
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
