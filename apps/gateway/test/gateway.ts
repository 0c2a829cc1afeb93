import { createHash, randomBytes } from 'node:crypto';
import { schemaOf } from '@countersign/contracts';
import { migrate } from '@countersign/persistence';
import { startService, type RunningService } from '@countersign/service-kit';
import { Client } from 'pg';
import { AppModule } from '../src/app.module';
import { openFrontDoor } from '../src/front-door/open-front-door';
import { migrations } from '../src/migrations';

export interface TestGateway {
  url: string;
  adminKey: string;
  secretKey: string;
  /** postgres:// URL of the owner, of a database that is this test's alone. */
  ownerUrl: string;
  /** Another process of the same gateway. */
  another(env?: NodeJS.ProcessEnv): Promise<RunningService>;
  stop(): Promise<void>;
}

const server = (): string => {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set');
  return url;
};

export const run = async (url: string, ...statements: string[]): Promise<void> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
};

/** A gateway on a database of its own, in this process. */
export const startGateway = async (env: NodeJS.ProcessEnv = {}): Promise<TestGateway> => {
  const name = `gateway_${randomBytes(6).toString('hex')}`;
  await run(server(), `CREATE DATABASE ${name}`);
  const owner = new URL(server());
  owner.pathname = `/${name}`;
  // Roles, and with them their passwords, belong to the whole server: the same key for every test on it.
  const secretKey = createHash('sha256').update(server()).digest('base64');
  const adminKey = `cs_live_${randomBytes(32).toString('base64url')}`;
  await migrate({ ownerUrl: owner.href, secretKey, schema: schemaOf.gateway, migrations });
  const bare = new URL(owner.href);
  bare.username = bare.password = '';
  const redisUrl = process.env.TEST_REDIS_URL;
  if (!redisUrl) throw new Error('TEST_REDIS_URL is not set');
  const running: RunningService[] = [];
  const start = async (more: NodeJS.ProcessEnv): Promise<RunningService> => {
    const service = await startService({
      service: 'gateway',
      module: AppModule,
      prepare: openFrontDoor,
      env: {
        DATABASE_URL: bare.href,
        REDIS_URL: redisUrl,
        COUNTERSIGN_SECRET_KEY: secretKey,
        COUNTERSIGN_PORT: '0',
        SERVICE_HOST: '127.0.0.1',
        COUNTERSIGN_ADMIN_KEY: adminKey,
        ...env,
        ...more,
      },
    });
    let stopped: Promise<void> | undefined;
    const once = { port: service.port, stop: () => (stopped ??= service.stop()) };
    running.push(once);
    return once;
  };
  const first = await start({});
  return {
    url: `http://127.0.0.1:${first.port}`,
    adminKey,
    secretKey,
    ownerUrl: owner.href,
    another: (more = {}) => start(more),
    async stop() {
      await Promise.all(running.map((service) => service.stop()));
      await run(server(), `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
};

export interface Reply {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** One call with a key, as JSON. */
export const call = async (
  base: string,
  key: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> => {
  const answer = await fetch(base + path, {
    method,
    headers: {
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
};
