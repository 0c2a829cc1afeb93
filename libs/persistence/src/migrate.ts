import { DataSource, type MigrationInterface } from 'typeorm';
import { passwordOf, roleOf } from './roles';

export interface MigrateOptions {
  /** postgres:// URL of a role that may create roles and schemas. */
  ownerUrl: string;
  /** Base64 of COUNTERSIGN_SECRET_KEY. */
  secretKey: string;
  schema: string;
  migrations: (new () => MigrationInterface)[];
  /** Tables whose rows the application may add and read, never change or remove. */
  appendOnly?: readonly string[];
}

/** Any constant will do: it only has to be the same in every process that migrates. */
const migrationLock = 4080_1862;

/**
 * Creates the service's roles and schema and runs its migrations, in order, once, whoever else tries at the
 * same time. The application role may use tables, never change them; it owns nothing.
 */
export const migrate = async ({
  ownerUrl,
  secretKey,
  schema,
  migrations,
  appendOnly = [],
}: MigrateOptions): Promise<string[]> => {
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    schema,
    poolSize: 2,
    migrations,
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    extra: { options: `-c search_path=${schema}` },
  });
  await source.initialize();
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    for (const kind of ['app', 'relay'] as const) {
      const role = roleOf(schema, kind);
      const exists = await lock.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
      const verb = exists.length > 0 ? 'ALTER' : 'CREATE';
      await lock.query(
        `${verb} ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '${passwordOf(secretKey, role)}'`,
      );
    }
    await lock.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    const [app, relay] = [roleOf(schema, 'app'), roleOf(schema, 'relay')];
    await lock.query(`GRANT USAGE ON SCHEMA ${schema} TO ${app}, ${relay}`);
    const done = await source.runMigrations();
    await lock.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${app}`);
    await lock.query(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${schema} TO ${app}`);
    await lock.query(`REVOKE INSERT, UPDATE, DELETE ON ${schema}.migrations FROM ${app}`);
    for (const table of appendOnly)
      await lock.query(`REVOKE UPDATE, DELETE ON ${schema}.${table} FROM ${app}`);
    await lock.query(`GRANT SELECT ON ${schema}.migrations TO ${relay}`);
    return done.map((migration) => migration.name);
  } finally {
    await lock.query('SELECT pg_advisory_unlock($1)', [migrationLock]).catch(() => undefined);
    await lock.release();
    await source.destroy();
  }
};
