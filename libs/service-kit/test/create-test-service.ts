import { randomBytes, randomInt } from 'node:crypto';
import {
  schemaOf,
  type ConsumerService,
  type Envelope,
  type JobData,
  type JobType,
  type Scope,
} from '@countersign/contracts';
import { migrate, type MigrateOptions } from '@countersign/persistence';
import type { Type } from '@nestjs/common';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { v7 } from 'uuid';
import { IdentitySigner, identityHeader } from '../src/http/identity';
import { startService } from '../src/run-service';
import { keepSent, sentMessages, type SentMessage } from './sent-messages';
import { until } from './until';

/** The same in all files: the roles, whose passwords are derived from it, belong to the whole server. */
export const secretKey = Buffer.alloc(32, 7).toString('base64');

const settlingMs = 20_000;

const required = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run npm test -- int`);
  return value;
};

export interface TestServiceOptions extends Pick<MigrateOptions, 'migrations' | 'appendOnly'> {
  service: ConsumerService;
  module: Type;
  env?: Record<string, string>;
  /** The clock of the services that messages come from. */
  now?: () => Date;
}

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
  workflows?: string[] | null;
  actor?: string | null;
  headers?: Record<string, string>;
}

export interface TestService {
  workspaceId: string;
  /** Where it listens, for callers whom no gateway vouches for. */
  readonly port: number;
  /** postgres:// URL of the owner of this test's database. */
  ownerUrl: string;
  /** As the owner, whom row-level security does not stop. */
  sql<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  get(path: string, options?: CallOptions): Promise<TestAnswer>;
  /** A text or bytes as body are sent as they are. */
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<TestAnswer>;
  /** A message from another service. */
  message<K extends JobType>(type: K, data: JobData<K>): Envelope<JobData<K>>;
  /** Sends messages as one job to the service's queue, as another service would. */
  send(...messages: Envelope[]): Promise<void>;
  /** Settles when the effect of every one of these messages is committed; rejects when one is a dead letter. */
  handled(...messages: Envelope[]): Promise<void>;
  /** Sends a message and waits for its effect. */
  tell<K extends JobType>(type: K, data: JobData<K>): Promise<Envelope>;
  /** Everything of a type that the service has ever sent, oldest first; settled messages too. */
  sent<K extends JobType>(type: K): Promise<SentMessage<K>[]>;
  restart(env?: Record<string, string>): Promise<void>;
  /** A second process of the service, as it were; to be stopped before the service is. */
  another(env?: Record<string, string>): Promise<{ stop(): Promise<void> }>;
  stop(): Promise<void>;
}

/** A service in this process, with a database and a Redis database of its own. */
export const createTestService = async ({
  service,
  module,
  migrations,
  appendOnly,
  env = {},
  now = () => new Date(),
}: TestServiceOptions): Promise<TestService> => {
  const schema = schemaOf[service];
  const name = `${schema}_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client({ connectionString: required('TEST_DATABASE_URL') });
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  const databaseUrl = new URL(required('TEST_DATABASE_URL'));
  databaseUrl.pathname = `/${name}`;
  const redisUrl = new URL(required('TEST_REDIS_URL'));
  redisUrl.pathname = `/${randomInt(1, 16)}`;

  const redis = new Redis(redisUrl.href, { maxRetriesPerRequest: null });
  await redis.flushdb();
  await migrate({ ownerUrl: databaseUrl.href, secretKey, schema, migrations, appendOnly });
  const owner = new pg.Pool({ connectionString: databaseUrl.href, options: `-c search_path=${schema}` });
  // Ended by DROP DATABASE … WITH (FORCE) while the pool still hangs up.
  owner.on('error', () => undefined);
  const query = (text: string, values: unknown[] = []) => owner.query(text, values);
  await keepSent(query);

  const start = (more: Record<string, string> = {}) =>
    startService({
      service,
      module,
      env: {
        DATABASE_URL: databaseUrl.href,
        REDIS_URL: redisUrl.href,
        COUNTERSIGN_SECRET_KEY: secretKey,
        SERVICE_PORT: '0',
        ...env,
        ...more,
      },
    });
  let running = await start();
  const queue = new Queue(service, { connection: redis, prefix: 'countersign' });
  const signer = new IdentitySigner(secretKey);
  const workspaceId = v7();

  const call: TestService['call'] = async (
    method,
    path,
    body,
    {
      workspace = workspaceId,
      scopes = ['admin'] as Scope[],
      workflows = null,
      actor = null,
      headers = {},
    } = {},
  ) => {
    const identity = await signer.sign({
      workspace: { id: workspace, name: 'Test & Co', kind: 'live' },
      key: { id: '0192f3a4-7b1c-7d10-8000-0000000000aa', name: 'test', scopes, workflows },
      actor,
    });
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, {
      method,
      headers: {
        [identityHeader]: identity,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body:
        body === undefined || typeof body === 'string' || body instanceof Uint8Array
          ? (body as RequestInit['body'])
          : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : {},
    };
  };

  const message: TestService['message'] = (type, data) => ({
    id: v7(),
    type,
    source: service === 'routing' ? 'intake' : 'routing',
    occurredAt: now().toISOString(),
    workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data,
  });
  const send: TestService['send'] = async (...messages) => {
    await queue.add(
      'pack',
      { messages },
      { removeOnComplete: true, removeOnFail: true, attempts: 10, backoff: { type: 'policy' } },
    );
  };
  const handled: TestService['handled'] = async (...messages) => {
    const ids = messages.map(({ id }) => id);
    await until(async () => {
      const letters = await query('SELECT error FROM dead_letter WHERE message_id = ANY ($1::uuid[])', [ids]);
      if (letters.rows.length > 0) throw new Error(letters.rows[0].error);
      const { rows } = await query('SELECT FROM inbox WHERE message_id = ANY ($1::uuid[])', [ids]);
      return rows.length === ids.length;
    }, settlingMs);
  };

  return {
    workspaceId,
    get port() {
      return running.port;
    },
    ownerUrl: databaseUrl.href,
    sql: async (text, values) => (await query(text, values)).rows,
    call,
    get: (path, options) => call('GET', path, undefined, options),
    message,
    send,
    handled,
    async tell(type, data) {
      const envelope = message(type, data);
      await send(envelope);
      await handled(envelope);
      return envelope;
    },
    sent: (type) => sentMessages(query, type),
    async restart(more) {
      await running.stop();
      running = await start(more);
    },
    another: (more) => start(more),
    async stop() {
      await running.stop();
      await queue.close();
      redis.disconnect();
      await owner.end();
      await server.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await server.end();
    },
  };
};
