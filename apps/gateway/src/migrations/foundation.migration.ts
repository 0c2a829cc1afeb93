import { schemaOf } from '@countersign/contracts';
import { createMessagingTables } from '@countersign/messaging';
import { isolateByWorkspace, roleOf } from '@countersign/persistence';
import { createIdempotencyTable } from '@countersign/service-kit';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ensureAdminKey, findKey, createWorkspace, listWorkspaces } from './cross-workspace.functions';

const schema = schemaOf.gateway;

export class Foundation1763690000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const app = roleOf(schema, 'app');
    await createIdempotencyTable(runner, schema);
    await createMessagingTables(runner, schema);
    await runner.query(`
      CREATE TABLE workspace (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('live', 'sandbox')),
        is_default boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query('CREATE UNIQUE INDEX workspace_default ON workspace (is_default) WHERE is_default');
    await runner.query(`
      CREATE TABLE api_key (
        id uuid PRIMARY KEY,
        workspace_id uuid NOT NULL REFERENCES workspace,
        name text NOT NULL,
        hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
        scopes text[] NOT NULL,
        workflows text[],
        root boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        version int NOT NULL DEFAULT 1
      )`);
    await runner.query('CREATE INDEX api_key_workspace ON api_key (workspace_id, id)');
    await runner.query('CREATE INDEX api_key_root ON api_key (root) WHERE root');
    await isolateByWorkspace(runner, 'api_key');
    // The application cannot make a root key, nor touch one.
    for (const [verb, check] of [
      ['INSERT', 'WITH CHECK'],
      ['UPDATE', 'USING'],
      ['DELETE', 'USING'],
    ]) {
      await runner.query(
        `CREATE POLICY root_${verb} ON api_key AS RESTRICTIVE FOR ${verb} TO ${app} ${check} (NOT root)`,
      );
    }
    // No policy for the application: it reaches workspaces through the functions alone.
    await runner.query('ALTER TABLE workspace ENABLE ROW LEVEL SECURITY');
    await runner.query('ALTER TABLE workspace FORCE ROW LEVEL SECURITY');
    // The functions run as the owner, whom FORCE binds as well when it is no superuser.
    for (const table of ['workspace', 'api_key']) {
      await runner.query(`CREATE POLICY owner ON ${table} TO CURRENT_USER USING (true) WITH CHECK (true)`);
    }
    for (const { signature, definition } of [findKey, ensureAdminKey, createWorkspace, listWorkspaces]) {
      await runner.query(definition(schema));
      await runner.query(`REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC`);
      await runner.query(`GRANT EXECUTE ON FUNCTION ${signature} TO ${app}`);
    }
  }

  async down(): Promise<void> {
    throw new Error('there is nothing before the foundation');
  }
}
