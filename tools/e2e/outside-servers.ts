import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Redis from 'ioredis';
import { Client } from 'pg';
import { postgresBinaries } from '../servers/postgres-binaries.mjs';
import { createPostgres } from '../servers/postgres.mjs';
import { createRedis } from '../servers/redis.mjs';

const root = path.resolve(__dirname, '..', '..');
const cacheDir = path.join(root, '.countersign-cache');

/** Rules of order that are not those of the embedded server: `a` before `B`. */
const locale = ['--locale-provider=icu', '--icu-locale=en-US', '--locale=C.UTF-8'];

/** PostgreSQL's default, and what a server fetched without LLVM needs. */
const settings = { max_connections: 100, jit: 'off' };

export interface OutsideServers {
  /** Of a database whose owner is no superuser. */
  databaseUrl: string;
  redisUrl: string;
  /** What the server's program says of itself, such as 15.18. */
  postgresVersion: string;
  /** The processes, while they run. */
  pids(): (number | undefined)[];
  /** As the administrator of the PostgreSQL server. */
  sql<Row extends object>(text: string): Promise<Row[]>;
  redis: Redis;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL 15 or newer and a Redis 7 or Valkey as the machine or its distribution has them, set up the way an
 * administrator would (docs/operations.md), on free ports of the loopback interface.
 */
export async function startOutsideServers(): Promise<OutsideServers> {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-outside-'));
  const binaries = await postgresBinaries({ cacheDir });
  const postgres = await createPostgres({
    root,
    binaries,
    dir: path.join(folder, 'postgres'),
    locale,
    settings,
  });
  const redisServer = await createRedis({ dir: path.join(folder, 'redis'), cacheDir });
  const administrator = new Client({ connectionString: postgres.url });
  administrator.on('error', () => undefined);
  const redis = new Redis(redisServer.url, { lazyConnect: true });
  redis.on('error', () => undefined);

  async function stop() {
    redis.disconnect();
    await administrator.end().catch(() => undefined);
    await Promise.all([postgres.stop(), redisServer.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    await Promise.all([postgres.start(), redisServer.start()]);
    await Promise.all([administrator.connect(), redis.connect()]);
    await administrator.query(`CREATE ROLE purchasing LOGIN CREATEROLE PASSWORD 'of the owner'`);
    await administrator.query(
      `CREATE DATABASE approvals OWNER purchasing TEMPLATE template0 ENCODING 'UTF8'`,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  const databaseUrl = new URL(postgres.url);
  Object.assign(databaseUrl, { username: 'purchasing', password: 'of the owner', pathname: '/approvals' });
  return {
    databaseUrl: databaseUrl.href,
    redisUrl: redisServer.url,
    postgresVersion: binaries.version,
    pids: () => [postgres.pid, redisServer.pid],
    async sql<Row extends object>(text: string) {
      return (await administrator.query(text)).rows as Row[];
    },
    redis,
    stop,
  };
}
