import { existsSync } from 'node:fs';
import path from 'node:path';
import { queueOwner, schemaOf } from '@countersign/contracts';
import { processIdentity } from '../servers/process-identity.mjs';
import { runToEnd } from '../servers/run-to-end.mjs';
import { eventually } from './eventually';
import { expectStatus, type Page } from './http-client';
import { createOrganisation } from './organisation';
import { startOutsideServers, type OutsideServers } from './outside-servers';
import { RecordingServer, verified } from './recording-server';
import { decide, order, submit, untilTasks } from './requests';
import { startTestSystem, type TestSystem } from './test-system';
import { publish, purchaseOrder } from './workflows';

// The first run on a machine without PostgreSQL fetches one.
jest.setTimeout(300_000);

let outside: OutsideServers;
let system: TestSystem;
let subscribers: RecordingServer;

beforeAll(async () => {
  subscribers = await RecordingServer.start();
  outside = await startOutsideServers();
  system = await startTestSystem({
    env: { DATABASE_URL: outside.databaseUrl, REDIS_URL: outside.redisUrl },
  });
});

afterAll(async () => {
  try {
    await system?.stop();
  } finally {
    await outside?.stop();
    await subscribers?.stop();
  }
});

it('starts no server of its own', () => {
  expect(system.postgres).toBeNull();
  expect(system.redis).toBeNull();
  expect(system.databaseUrl).toBe(outside.databaseUrl);
  expect(system.redisUrl).toBe(outside.redisUrl);
  for (const folder of ['postgres', 'redis']) {
    expect(existsSync(path.join(system.dataDir, folder))).toBe(false);
  }
});

it('works with the PostgreSQL and the Redis that the machine or its distribution has', async () => {
  const [server] = await system.sql<{ version: string; number: number }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
            current_setting('server_version_num')::int AS number`,
  );
  expect(server?.version).toBe(outside.postgresVersion);
  expect(server?.number).toBeGreaterThanOrEqual(15_00_00);
  const version = /(?:valkey|redis)_version:(\d+)/.exec(await outside.redis.info('server'))?.[1];
  expect(Number(version)).toBeGreaterThanOrEqual(7);
});

it('was migrated by an owner that is no superuser and may only make roles and what is in its database', async () => {
  const [owner] = await system.sql(
    `SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user`,
  );
  expect(owner).toEqual({
    rolname: 'purchasing',
    rolsuper: false,
    rolbypassrls: false,
    rolcreatedb: false,
    rolcreaterole: true,
  });
});

it('takes a purchase request to its end', async () => {
  const { admin } = system;
  await createOrganisation(admin);
  await publish(admin, purchaseOrder);
  const endpoint = { url: subscribers.url('/events'), events: ['request.completed'], format: 'standard' };
  const { secret } = expectStatus(
    await admin.post<{ secret: string }>('/v1/webhook-endpoints', endpoint),
    201,
  );

  const { id } = await submit(admin, { workflow: 'purchase-order', payload: order(5_000) });
  const [manager] = await untilTasks(admin, id);
  if (!manager) throw new Error('no task');
  expect(expectStatus(await decide(admin, manager, 'approve'), 200).state).toBe('pending_review');
  const [first, second] = await untilTasks(admin, id, 3);
  if (!first || !second) throw new Error('no tasks');
  expectStatus(await decide(admin, first, 'approve'), 200);
  expect(expectStatus(await decide(admin, second, 'approve'), 200).state).toBe('completed');

  const [told] = await subscribers.untilCalls('/events', 1);
  if (!told) throw new Error('nobody was told');
  expect(verified(told, secret)).toMatchObject({ type: 'request.completed', data: { request: { id } } });
  await eventually('the log has it', async () => {
    const entries = `/v1/audit/entries?requestId=${id}&type=request.completed`;
    return (await admin.get<Page>(entries)).body.data.length === 1;
  });
});

it('shows its owner no row of a workspace', async () => {
  expect((await system.admin.get<Page>('/v1/requests')).body.data).toHaveLength(1);
  for (const table of ['intake.request', 'routing.request', 'audit.entry']) {
    expect(await system.sql(`SELECT FROM ${table}`)).toEqual([]);
  }
});

it('left its work there: every service was connected as its own role, every queue is in that Redis', async () => {
  const connected = await outside.sql<{ usename: string }>(
    `SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'approvals' AND usename ~ '^countersign_' AND usename !~ '_relay$'`,
  );
  const roles = Object.values(schemaOf).map((schema) => `countersign_${schema}`);
  expect(connected.map(({ usename }) => usename).sort()).toEqual(roles.sort());
  const keys = await outside.redis.keys('*');
  const queues = Object.keys(queueOwner).filter((queue) =>
    keys.some((key) => key.split(':').includes(queue)),
  );
  expect(queues).toEqual(Object.keys(queueOwner));
});

it('may be migrated again by the same owner while it runs', async () => {
  const migrate = path.resolve(__dirname, '..', 'migrate.mjs');
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: outside.databaseUrl,
    COUNTERSIGN_SECRET_KEY: system.secretKey,
  };
  await runToEnd(process.execPath, [migrate], { env });
  expect((await system.admin.get('/v1/requests')).status).toBe(200);
});

it('leaves the servers running when it stops', async () => {
  const pids = outside.pids();
  await system.stop();
  expect(pids.map((pid) => pid !== undefined && processIdentity(pid) !== null)).toEqual([true, true]);
  expect(outside.pids()).toEqual(pids);
  await eventually('nobody is connected any more', async () => {
    const connected = await outside.sql(`SELECT FROM pg_stat_activity WHERE datname = 'approvals'`);
    return connected.length === 0;
  });
});
