import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { passwordOf, roleOf } from './roles';

export interface MigrateOptions {
  /** postgres:// URL of a role that may create roles (CREATEROLE) and schemas; it need not be a superuser. */
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
 * same time. The application role may use tables, never change them; it owns nothing. Refuses a database that has the
 * case rules of ASCII.
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
    await checkCaseRules(lock);
    for (const kind of ['app', 'relay'] as const) {
      await ensureRole(lock, roleOf(schema, kind), secretKey);
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

/** Names are compared without regard to case: by us in all scripts, so the database must not do so in ASCII only. */
const checkCaseRules = async (runner: QueryRunner): Promise<void> => {
  const [row]: { folds: boolean }[] = await runner.query(`SELECT lower('ÄΩЖ') = 'äωж' AS folds`);
  if (row?.folds) return;
  throw new Error(
    'lower() of this database knows no letters but those of ASCII: its locale is C or POSIX, or its encoding not UTF8. ' +
      'Create it with another locale, as docs/operations.md ("Your own PostgreSQL and Redis") shows.',
  );
};

const ensureRole = async (runner: QueryRunner, role: string, secretKey: string): Promise<void> => {
  const [found]: { privileged: boolean }[] = await runner.query(
    'SELECT rolsuper OR rolbypassrls AS privileged FROM pg_roles WHERE rolname = $1',
    [role],
  );
  // Only a superuser may as much as name these attributes of a role that exists, so that is done when there is a need.
  const attributes = !found || found.privileged ? 'NOSUPERUSER NOBYPASSRLS' : '';
  await runner.query(
    `${found ? 'ALTER' : 'CREATE'} ROLE ${role} LOGIN ${attributes} PASSWORD '${passwordOf(secretKey, role)}'`,
  );
};
