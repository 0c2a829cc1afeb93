import { randomBytes, randomInt } from 'node:crypto';
import type { Envelope, Scope } from '@countersign/contracts';
import { migrate } from '@countersign/persistence';
import { IdentitySigner, identityHeader, startService, type RunningService } from '@countersign/service-kit';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';
import { until } from './until';

/** The same in all files: the roles, whose passwords are derived from it, belong to the whole server. */
const secretKey = Buffer.alloc(32, 7).toString('base64');

const required = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run npm test -- int`);
  return value;
};

export interface TestAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** Parsed when it is JSON; tests say what they expect of it. */
  body: ReturnType<typeof JSON.parse>;
}

export interface CallOptions {
  workspace?: string;
  scopes?: Scope[];
  actor?: string | null;
  headers?: Record<string, string>;
}

export interface TestService {
  workspaceId: string;
  /** As the owner of the server, whom row-level security does not stop. */
  sql<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<TestAnswer>;
  /** Sends messages as one job to the queue `notification`, as another service would. */
  send(...messages: Envelope[]): Promise<void>;
  /** Settles when the effect of every one of these messages is committed; rejects when one is a dead letter. */
  handled(...messages: Envelope[]): Promise<void>;
  restart(env?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

/** The service in this process, with a database and a Redis database of its own. */
export const createTestService = async (env: Record<string, string> = {}): Promise<TestService> => {
  const name = `notification_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client({ connectionString: required('TEST_DATABASE_URL') });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const databaseUrl = new URL(required('TEST_DATABASE_URL'));
  databaseUrl.pathname = `/${name}`;
  const redisUrl = new URL(required('TEST_REDIS_URL'));
  redisUrl.pathname = `/${randomInt(1, 16)}`;

  const redis = new Redis(redisUrl.toString(), { maxRetriesPerRequest: null });
  await redis.flushdb();
  await migrate({ ownerUrl: databaseUrl.toString(), secretKey, schema: 'notification', migrations });
  const owner = new pg.Pool({
    connectionString: databaseUrl.toString(),
    options: '-c search_path=notification',
  });

  // Ended by DROP DATABASE … WITH (FORCE) while the pool still hangs up.
  owner.on('error', () => undefined);

  const start = (more: Record<string, string> = {}): Promise<RunningService> =>
    startService({
      service: 'notification',
      module: AppModule,
      env: {
        DATABASE_URL: databaseUrl.toString(),
        REDIS_URL: redisUrl.toString(),
        COUNTERSIGN_SECRET_KEY: secretKey,
        COUNTERSIGN_PUBLIC_URL: 'https://countersign.example.com',
        COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8',
        SERVICE_PORT: '0',
        ...env,
        ...more,
      },
    });
  let service = await start();
  const queue = new Queue('notification', { connection: redis, prefix: 'countersign' });
  const signer = new IdentitySigner(secretKey);
  const workspaceId = v7();

  return {
    workspaceId,
    async sql(text, values = []) {
      const { rows } = await owner.query(text, values);
      return rows;
    },
    async call(
      method,
      path,
      body,
      { workspace = workspaceId, scopes = ['admin'] as Scope[], actor = null, headers = {} } = {},
    ) {
      const identity = await signer.sign({
        workspace: { id: workspace, name: 'Test & Co', kind: 'live' },
        key: { id: '0192f3a4-7b1c-7d10-8000-0000000000aa', name: 'test', scopes, workflows: null },
        actor,
      });
      const response = await fetch(`http://127.0.0.1:${service.port}${path}`, {
        method,
        headers: {
          [identityHeader]: identity,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      const isJson = (response.headers.get('content-type') ?? '').includes('json');
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson ? JSON.parse(text) : {},
      };
    },
    async send(...messages) {
      await queue.add(
        'pack',
        { messages },
        { removeOnComplete: true, removeOnFail: true, attempts: 10, backoff: { type: 'policy' } },
      );
    },
    async handled(...messages) {
      const ids = messages.map(({ id }) => id);
      await until(async () => {
        const letters = await owner.query(
          'SELECT error FROM dead_letter WHERE message_id = ANY ($1::uuid[])',
          [ids],
        );
        if (letters.rows.length > 0) throw new Error(letters.rows[0].error);
        const { rows } = await owner.query('SELECT FROM inbox WHERE message_id = ANY ($1::uuid[])', [ids]);
        return rows.length === ids.length;
      });
    },
    async restart(more) {
      await service.stop();
      service = await start(more);
    },
    async stop() {
      await service.stop();
      await queue.close();
      redis.disconnect();
      await owner.end();
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.end();
    },
  };
};
