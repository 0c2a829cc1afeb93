import { randomBytes } from 'node:crypto';
import type { Envelope, JobData, JobType, QueueName, Scope } from '@countersign/contracts';
import { migrate, roleOf } from '@countersign/persistence';
import { IdentitySigner, startService, type RunningService } from '@countersign/service-kit';
import { keepSent, pagesRead, sentMessages, type SentMessage } from '@countersign/service-kit/test';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { AppModule } from '../src/app.module';
import { migrations } from '../src/migrations';

const schema = 'approver_resolution';

/** What HTTP answered; a test knows what it may expect of the body. */
export interface HttpAnswer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

export interface CallOptions {
  scopes?: Scope[];
  /** Keys of the workflows that the key is limited to. */
  workflows?: string[];
  actor?: string;
  /** Id of the API key; another one for each call when absent. */
  keyId?: string;
  headers?: Record<string, string>;
  /** Sent as it is. */
  text?: string;
}

const required = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; npm test -- int sets it`);
  return value;
};

const ending = <T>(value: T): NonNullable<T> => {
  if (value === null || value === undefined) throw new Error('there is none');
  return value;
};

/** The running service on a database of its own and a Redis that only it uses, and all that one can do to it. */
export class TestService {
  readonly workspaceId = v7();
  private running: RunningService;
  private readonly queues: Queue[] = [];

  private constructor(
    private readonly database: string,
    private readonly admin: Client,
    private readonly owner: Client,
    private readonly redis: Redis,
    private readonly signer: IdentitySigner,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async start(env: NodeJS.ProcessEnv = {}): Promise<TestService> {
    const secretKey = randomBytes(32).toString('base64');
    const database = `approver_resolution_${randomBytes(6).toString('hex')}`;
    const admin = new Client({ connectionString: required('TEST_DATABASE_URL') });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${database}`);
    const url = new URL(required('TEST_DATABASE_URL'));
    url.pathname = `/${database}`;
    await migrate({ ownerUrl: url.toString(), secretKey, schema, migrations });
    const owner = new Client({ connectionString: url.toString(), options: `-c search_path=${schema}` });
    await owner.connect();
    await keepSent((text, values) => owner.query(text, values));
    // Queues are named for services: what another test has left in them is not for this one.
    const redisUrl = `${required('TEST_REDIS_URL').replace(/\/\d*$/, '')}/${(process.pid % 15) + 1}`;
    const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
    await redis.flushdb();
    const service = new TestService(database, admin, owner, redis, new IdentitySigner(secretKey), {
      DATABASE_URL: url.toString(),
      REDIS_URL: redisUrl,
      COUNTERSIGN_SECRET_KEY: secretKey,
      COUNTERSIGN_PUBLIC_URL: 'https://countersign.example.com',
      SERVICE_PORT: '0',
      ...env,
    });
    await service.launch();
    return service;
  }

  async launch(): Promise<void> {
    this.running = await startService({ service: 'approver-resolution', module: AppModule, env: this.env });
  }

  /** Stops the service alone; `launch` starts it again. */
  async halt(): Promise<void> {
    await this.running.stop();
  }

  async stop(): Promise<void> {
    await this.running.stop();
    await Promise.all(this.queues.map((queue) => queue.close()));
    this.redis.disconnect();
    await this.owner.end();
    await this.admin.query(`DROP DATABASE ${this.database} WITH (FORCE)`);
    await this.admin.end();
  }

  /** One HTTP call, as the gateway would pass it on. */
  async call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    { scopes = ['admin'], workflows, actor, keyId = v7(), headers = {}, text }: CallOptions = {},
    workspaceId = this.workspaceId,
  ): Promise<HttpAnswer<Body>> {
    const identity = await this.signer.sign({
      workspace: { id: workspaceId, name: 'test', kind: 'live' },
      key: { id: keyId, name: 'test', scopes, workflows: workflows ?? null },
      actor: actor ?? null,
    });
    const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`http://127.0.0.1:${this.running.port}${path}`, {
      method,
      headers: {
        'countersign-identity': identity,
        ...(content === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(content === undefined ? {} : { body: content }),
    });
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (answer === '' ? null : JSON.parse(answer)) as Body,
    };
  }

  /** The value of a metric without labels, as the service tells it now. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.running.port}/metrics`)).text();
    const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`no metric ${name}`);
    return Number(value);
  }

  /** Creates a user and gives the id. */
  async user(
    userName: string,
    more: Record<string, unknown> = {},
    workspaceId = this.workspaceId,
  ): Promise<string> {
    const answer = await this.call<{ id: string }>(
      'POST',
      '/scim/v2/Users',
      { userName, ...more },
      {},
      workspaceId,
    );
    if (answer.status !== 201) throw new Error(`${userName}: ${JSON.stringify(answer.body)}`);
    return answer.body.id;
  }

  /** Creates many users in one call and gives their ids. */
  async users(userNames: readonly string[]): Promise<string[]> {
    const answer = await this.call<{ Operations: { location?: string }[] }>('POST', '/scim/v2/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: userNames.map((userName) => ({
        method: 'POST',
        path: '/Users',
        bulkId: userName,
        data: { userName },
      })),
    });
    return answer.body.Operations.map(({ location }) => {
      if (!location) throw new Error(JSON.stringify(answer.body).slice(0, 1_000));
      return location.slice(location.lastIndexOf('/') + 1);
    });
  }

  /** Creates a group and gives the id. */
  async group(
    displayName: string,
    members: readonly string[],
    workspaceId = this.workspaceId,
  ): Promise<string> {
    const body = { displayName, members: members.map((value) => ({ value })) };
    const answer = await this.call<{ id: string }>('POST', '/scim/v2/Groups', body, {}, workspaceId);
    if (answer.status !== 201) throw new Error(`${displayName}: ${JSON.stringify(answer.body)}`);
    return answer.body.id;
  }

  envelope<K extends JobType>(
    type: K,
    data: JobData<K>,
    workspaceId = this.workspaceId,
  ): Envelope<JobData<K>> {
    return {
      id: v7(),
      type,
      source: 'routing',
      occurredAt: new Date().toISOString(),
      workspaceId,
      correlationId: v7(),
      causationId: null,
      traceparent: null,
      data,
    };
  }

  /** Sends messages as one job, as another service would. */
  async send(queue: QueueName, ...messages: Envelope[]): Promise<void> {
    const sender = new Queue(queue, {
      connection: this.redis,
      prefix: 'countersign',
      skipVersionCheck: true,
    });
    this.queues.push(sender);
    await sender.add('pack', { messages }, { attempts: 3, removeOnComplete: true, removeOnFail: true });
  }

  /** Everything of a type that the service has ever sent, oldest first. */
  sent<K extends JobType>(type: K): Promise<SentMessage<K>[]> {
    return sentMessages((text, values) => this.owner.query(text, values), type);
  }

  /** What the service answers to a resolution. */
  async resolved(resolutionId: string, withinMs = 10_000): Promise<JobData<'approvers.resolved.v1'>> {
    return this.eventually(async () => {
      const answers = await this.sent('approvers.resolved.v1');
      return answers.find(({ data }) => data.resolutionId === resolutionId)?.data;
    }, withinMs);
  }

  /** How many pages of 8 KiB a statement of the service makes PostgreSQL look at in a workspace. */
  pagesRead(text: string, values: unknown[] = [], workspaceId = this.workspaceId): Promise<number> {
    return pagesRead(this.owner, { role: roleOf(schema, 'app'), workspaceId }, text, values);
  }

  /** Rows as the owner of the database sees them, who sees all. */
  async rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.owner.query(text, values)).rows as Row[];
  }

  /** The first answer that is there. */
  async eventually<T>(look: () => Promise<T>, withinMs = 10_000): Promise<NonNullable<T>> {
    const giveUpAt = Date.now() + withinMs;
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return ending(found);
      if (Date.now() > giveUpAt) throw new Error(`not there after ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
