import { createDirectoryReplicaTables } from '@countersign/directory-replica';
import { createErasureTables } from '@countersign/erasure';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import { createIdempotencyTable } from '@countersign/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createMessagingTables(runner, 'intake');
    await createIdempotencyTable(runner, 'intake');
    await createDirectoryReplicaTables(runner, 'intake');
    await createErasureTables(runner, 'intake');
    await runner.query(`
      CREATE TABLE workflow (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        key text NOT NULL,
        published_version int,
        newest_version int NOT NULL,
        CONSTRAINT one_workflow_per_key UNIQUE (workspace_id, key)
      )`);
    await runner.query(`
      CREATE TABLE workflow_version (
        workflow_id uuid NOT NULL,
        version int NOT NULL,
        workspace_id uuid NOT NULL,
        state text NOT NULL CHECK (state IN ('draft', 'published', 'retired')),
        title text NOT NULL,
        definition json NOT NULL,
        source_text text NOT NULL,
        media_type text NOT NULL,
        created_at timestamptz NOT NULL,
        created_by json NOT NULL,
        published_at timestamptz,
        published_by json,
        note text,
        PRIMARY KEY (workflow_id, version)
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX one_published_version ON workflow_version (workflow_id) WHERE state = 'published'`,
    );
    await runner.query(`
      CREATE TABLE request (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        version int NOT NULL,
        payload_revision int NOT NULL,
        state text NOT NULL,
        workflow_key text NOT NULL,
        requester_id uuid NOT NULL,
        external_ref text,
        created_at timestamptz NOT NULL,
        snapshot json NOT NULL
      )`);
    await runner.query('CREATE INDEX request_newest ON request (workspace_id, id DESC)');
    await runner.query('CREATE INDEX request_state ON request (workspace_id, state, id DESC)');
    await runner.query('CREATE INDEX request_workflow ON request (workspace_id, workflow_key, id DESC)');
    await runner.query('CREATE INDEX request_requester ON request (workspace_id, requester_id, id DESC)');
    await runner.query(
      'CREATE INDEX request_external_ref ON request (workspace_id, external_ref, id DESC) WHERE external_ref IS NOT NULL',
    );
    await runner.query(`
      CREATE TABLE request_payload (
        request_id uuid NOT NULL,
        revision int NOT NULL,
        workspace_id uuid NOT NULL,
        request_version int NOT NULL,
        payload json NOT NULL,
        PRIMARY KEY (request_id, revision)
      )`);
    await runner.query(`
      CREATE TABLE request_event (
        id uuid NOT NULL,
        workspace_id uuid NOT NULL,
        request_id uuid NOT NULL,
        request_version int NOT NULL,
        at timestamptz NOT NULL,
        type text NOT NULL,
        actor json NOT NULL,
        detail json NOT NULL,
        PRIMARY KEY (request_id, request_version, id)
      )`);
    await runner.query(`
      CREATE TABLE task (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        request_id uuid NOT NULL,
        request_version int NOT NULL,
        workflow_key text NOT NULL,
        assignee_id uuid NOT NULL,
        on_behalf_of_id uuid,
        state text NOT NULL,
        due_at timestamptz,
        task json NOT NULL
      )`);
    await runner.query('CREATE INDEX task_newest ON task (workspace_id, id DESC)');
    await runner.query('CREATE INDEX task_assignee ON task (workspace_id, assignee_id, state, id DESC)');
    await runner.query(
      'CREATE INDEX task_on_behalf_of ON task (workspace_id, on_behalf_of_id, id DESC) WHERE on_behalf_of_id IS NOT NULL',
    );
    await runner.query('CREATE INDEX task_state ON task (workspace_id, state, id DESC)');
    await runner.query('CREATE INDEX task_workflow ON task (workspace_id, workflow_key, id DESC)');
    await runner.query('CREATE INDEX task_request ON task (request_id, id DESC)');
    await runner.query(`
      CREATE TABLE command (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        request_id uuid NOT NULL,
        state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'refused')),
        request_version int,
        refused json,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE INDEX command_refused ON command (request_id) WHERE refused IS NOT NULL');
    // Why a command was refused may quote the request.
    await runner.query(`
      CREATE FUNCTION erased_refusal(refused json) RETURNS json LANGUAGE sql IMMUTABLE AS $$
        SELECT json_build_object('code', refused -> 'code', 'detail', 'Erased', 'pointer', NULL, 'retryAfter', NULL)
      $$`);
    await runner.query(`
      CREATE TABLE workspace_settings (
        workspace_id uuid PRIMARY KEY,
        name text NOT NULL,
        language text NOT NULL,
        timezone text NOT NULL,
        decision_links boolean NOT NULL,
        decision_link_days int NOT NULL,
        is_language_said boolean NOT NULL,
        links_since timestamptz,
        version int NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE decision_link_use (
        link_id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL,
        command_id uuid NOT NULL,
        expires_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX decision_link_use_expires_at ON decision_link_use (expires_at)');
    const isolated = [
      'workspace_settings',
      'decision_link_use',
      'workflow',
      'workflow_version',
      'request',
      'request_payload',
      'request_event',
      'task',
      'command',
    ];
    for (const table of isolated) await isolateByWorkspace(runner, table);
    await runner.query('CREATE INDEX command_created_at ON command USING brin (created_at)');
    await openToRelay(runner, 'command', 'SELECT, DELETE', roleOf('intake', 'relay'));
    await openToRelay(runner, 'decision_link_use', 'SELECT, DELETE', roleOf('intake', 'relay'));
    // Nothing but whether an id is taken: it tells a task of another workspace from one that is on its way.
    await openToRelay(runner, 'task', 'SELECT (id)', roleOf('intake', 'relay'));
  }

  async down(): Promise<void> {
    throw new Error('migrations only go forward');
  }
}
