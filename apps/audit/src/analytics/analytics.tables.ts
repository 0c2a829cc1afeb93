import { isolateByWorkspace, openToRelay, roleOf } from '@countersign/persistence';
import type { QueryRunner } from 'typeorm';

/** All that analytics knows it has from the log, and can make anew (docs/analytics.md). No names, and nothing that was written freely. */
export const createAnalyticsTables = async (runner: QueryRunner, schema: string): Promise<void> => {
  // How far the log has been read. Locked by whoever reads on.
  await runner.query(`
    CREATE TABLE analytics_position (
      workspace_id uuid PRIMARY KEY,
      next_index bigint NOT NULL DEFAULT 0,
      clearing boolean NOT NULL DEFAULT false
    )`);
  // What must be remembered of a request: null once it is over. 'waiting': entries that have overtaken others.
  await runner.query(`
    CREATE TABLE analytics_request (
      workspace_id uuid NOT NULL,
      request_id uuid NOT NULL,
      version int NOT NULL,
      run json,
      waiting json,
      PRIMARY KEY (workspace_id, request_id)
    )`);
  await runner.query(`
    CREATE TABLE analytics_measure (
      workspace_id uuid NOT NULL,
      at timestamptz NOT NULL,
      request_id uuid NOT NULL,
      kind text NOT NULL,
      workflow_key text NOT NULL,
      stage_key text,
      region text,
      department text,
      groups text[] NOT NULL,
      outcome text,
      duration_ms bigint,
      bucket smallint,
      returns int NOT NULL DEFAULT 0,
      abandoned boolean NOT NULL DEFAULT false,
      overridden boolean NOT NULL DEFAULT false,
      breached boolean NOT NULL DEFAULT false,
      straight_through boolean NOT NULL DEFAULT false
    )`);
  await runner.query('CREATE INDEX analytics_measure_at ON analytics_measure (workspace_id, at)');
  await runner.query(
    'CREATE INDEX analytics_measure_request ON analytics_measure (workspace_id, request_id)',
  );
  // The days and months that something happened in. 'rolled': its cells say everything.
  await runner.query(`
    CREATE TABLE analytics_period (
      workspace_id uuid NOT NULL,
      level text NOT NULL,
      period date NOT NULL,
      rolled boolean NOT NULL,
      PRIMARY KEY (workspace_id, level, period)
    )`);
  await runner.query(
    'CREATE INDEX analytics_period_unrolled ON analytics_period (level, period) WHERE NOT rolled',
  );
  // Measures of a whole period, added up. workflow_key '': of all workflows; value '': none.
  await runner.query(`
    CREATE TABLE analytics_cell (
      workspace_id uuid NOT NULL,
      facet text NOT NULL,
      level text NOT NULL,
      period date NOT NULL,
      workflow_key text NOT NULL,
      value text NOT NULL,
      kind text NOT NULL,
      n bigint NOT NULL,
      completed bigint NOT NULL,
      approved bigint NOT NULL,
      rejected bigint NOT NULL,
      returned bigint NOT NULL,
      canceled bigint NOT NULL,
      expired bigint NOT NULL,
      failed bigint NOT NULL,
      skipped bigint NOT NULL,
      reopened bigint NOT NULL,
      abandoned bigint NOT NULL,
      overridden bigint NOT NULL,
      breached bigint NOT NULL,
      straight_through bigint NOT NULL,
      sent_back bigint NOT NULL,
      returns bigint NOT NULL,
      duration_ms numeric NOT NULL,
      histogram bytea NOT NULL,
      PRIMARY KEY (workspace_id, facet, level, period, workflow_key, value, kind)
    )`);
  // Stages that requests wait in now.
  await runner.query(`
    CREATE TABLE analytics_waiting (
      workspace_id uuid NOT NULL,
      request_id uuid NOT NULL,
      stage_key text NOT NULL,
      workflow_key text NOT NULL,
      region text,
      department text,
      groups text[] NOT NULL,
      since timestamptz NOT NULL,
      started_at timestamptz,
      breached boolean NOT NULL,
      open_tasks int NOT NULL,
      oldest_task_at timestamptz,
      PRIMARY KEY (workspace_id, request_id, stage_key)
    )`);
  await runner.query('CREATE INDEX analytics_waiting_since ON analytics_waiting (workspace_id, since)');
  for (const table of analyticsTables) await isolateByWorkspace(runner, table);
  // Whoever looks for work sees how far analytics are, and nothing else.
  const relay = roleOf(schema, 'relay');
  await openToRelay(runner, 'analytics_position', 'SELECT', relay);
  await openToRelay(runner, 'analytics_period', 'SELECT', relay);
};

const analyticsTables = [
  'analytics_position',
  'analytics_request',
  'analytics_measure',
  'analytics_period',
  'analytics_cell',
  'analytics_waiting',
];
