import type { QueryRunner } from 'typeorm';

const visible = `workspace_id = any ((select string_to_array(nullif(current_setting('app.workspaces', true), ''), ','))::uuid[])`;

/**
 * Isolates a table by workspace. The policy is an InitPlan thanks to the sub-select with the cast outside,
 * so an index that starts with `workspace_id` is used. FORCE makes the owner obey as well.
 */
export const isolateByWorkspace = async (runner: QueryRunner, table: string): Promise<void> => {
  await runner.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
  await runner.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  await runner.query(`CREATE POLICY workspace ON ${table} USING (${visible}) WITH CHECK (${visible})`);
};

/** Lets the relay role work on a table across workspaces, with these privileges only. */
export const openToRelay = async (
  runner: QueryRunner,
  table: string,
  privileges: string,
  relayRole: string,
): Promise<void> => {
  await runner.query(`GRANT ${privileges} ON ${table} TO ${relayRole}`);
  await runner.query(`CREATE POLICY relay ON ${table} TO ${relayRole} USING (true) WITH CHECK (true)`);
};
