import { randomBytes } from 'node:crypto';
import { schemaOf, type ServiceName } from '@countersign/contracts';
import { Database, migrate, roleOf, urlAs } from '@countersign/persistence';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createMessagingTables } from '../src/messaging.tables';

const wanted = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with npm test -- int`);
  return value;
};

/** A database of its own on the test server, with the messaging tables of some services. */
export class ScratchDatabase {
  private readonly pools: Database[] = [];

  private constructor(
    readonly owner: Client,
    private readonly url: string,
    private readonly name: string,
    readonly secretKey: string,
  ) {}

  static async create(services: readonly ServiceName[]): Promise<ScratchDatabase> {
    const name = `messaging_${randomBytes(6).toString('hex')}`;
    const server = new Client(wanted('TEST_DATABASE_URL'));
    await server.connect();
    await server.query(`CREATE DATABASE ${name}`);
    await server.end();
    const url = new URL(wanted('TEST_DATABASE_URL'));
    url.pathname = `/${name}`;
    // Roles belong to the server, so every scratch database of a run must derive the same passwords.
    const secretKey = Buffer.alloc(32, 7).toString('base64');
    for (const service of services) {
      const schema = schemaOf[service];
      class Tables1763690000000 implements MigrationInterface {
        up(runner: QueryRunner): Promise<void> {
          return createMessagingTables(runner, schema);
        }
        async down(): Promise<void> {}
      }
      await migrate({ ownerUrl: url.toString(), secretKey, schema, migrations: [Tables1763690000000] });
    }
    const owner = new Client(url.toString());
    // Ended by DROP DATABASE … WITH (FORCE) while it still hangs up.
    owner.on('error', () => undefined);
    await owner.connect();
    return new ScratchDatabase(owner, url.toString(), name, secretKey);
  }

  async connect(service: ServiceName, kind: 'app' | 'relay'): Promise<Database> {
    const schema = schemaOf[service];
    const pool = await Database.connect({
      url: urlAs(this.url, this.secretKey, roleOf(schema, kind)),
      schema,
      poolSize: 4,
      applicationName: `${service} ${kind}`,
    });
    this.pools.push(pool);
    return pool;
  }

  async count(table: string, where = 'true'): Promise<number> {
    const { rows } = await this.owner.query<{ count: string }>(
      `SELECT count(*) FROM ${table} WHERE ${where}`,
    );
    return Number(rows[0]?.count);
  }

  async drop(): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.close()));
    await this.owner.end();
    const server = new Client(wanted('TEST_DATABASE_URL'));
    await server.connect();
    await server.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
    await server.end();
  }
}

export const testRedisUrl = (): string => wanted('TEST_REDIS_URL');
