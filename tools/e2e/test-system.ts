import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Pool } from 'pg';
import { Agent } from 'undici';
import { freePort } from '../servers/free-port.mjs';
import { startSystem, type Service, type System, type SystemOptions } from '../up/system.mjs';
import { HttpClient } from './http-client';

const root = path.resolve(__dirname, '..', '..');

/** Short enough for a test, long enough in all for a subscriber that is away for half a minute. */
const webhookRetry = 'PT0.5S,PT1S,PT2S,PT2S,PT5S,PT5S,PT5S,PT10S,PT10S';
const resolverRetry = 'PT0.2S,PT0.4S,PT0.6S';

export type ServiceName = 'gateway' | 'intake' | 'routing' | 'approver-resolution' | 'notification' | 'audit';

/** A process of a service: the first one has its name alone. */
export type ProcessName = ServiceName | `${ServiceName}-${number}`;

export interface TestSystemOptions {
  env?: Record<string, string>;
  serviceEnv?: SystemOptions['serviceEnv'];
  replicas?: Partial<Record<ServiceName, number>>;
  /** Default: a free one for each. */
  ports?: Partial<Record<ProcessName, number>>;
  /** Another script for a service, such as one that injects other parts; absolute or from the project. */
  entryPoints?: Partial<Record<ServiceName, string>>;
}

export interface TestSystem extends Omit<System, 'stop'> {
  /** What the services printed as warnings, and what the supervisor did. */
  readonly lines: readonly string[];
  /** The first key: scope `admin`, workspace `default`. */
  readonly admin: HttpClient;
  readonly dataDir: string;
  service(name: ProcessName): Service;
  /** Messages whose handling failed, and will be tried again: none, unless somebody has struck. */
  faults(): string[];
  /** A caller with another key. */
  caller(key: string | null): HttpClient;
  /** Reads or nudges the database as its owner, whom row-level security does not bind. */
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

/**
 * A whole system of its own: PostgreSQL, Redis and every service as separate processes, with nothing in it but the
 * admin key. E2E_KEEP=1 leaves its data folder, logs included, behind.
 */
export async function startTestSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-e2e-'));
  const dataDir = path.join(folder, 'data');
  const lines: string[] = [];
  const adminKey = `cs_live_${randomBytes(32).toString('base64url')}`;
  const system = await startSystem({
    root,
    dataDir,
    port: options.ports?.gateway ?? (await freePort()),
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      COUNTERSIGN_ADMIN_KEY: adminKey,
      COUNTERSIGN_DEMO: '0',
      COUNTERSIGN_WEBHOOK_RETRY: webhookRetry,
      COUNTERSIGN_RESOLVER_RETRY: resolverRetry,
      ...options.env,
    },
    log: (line) => lines.push(line),
    ...(options.serviceEnv ? { serviceEnv: options.serviceEnv } : {}),
    ...(options.replicas ? { replicas: options.replicas as Record<string, number> } : {}),
    ...(options.ports ? { ports: options.ports as Record<string, number> } : {}),
    ...(options.entryPoints ? { entryPoints: options.entryPoints as Record<string, string> } : {}),
  }).catch((error: Error) => {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`${error.message}\n${lines.join('\n')}`);
  });
  const agent = new Agent({ connections: 256, headersTimeout: 70_000, bodyTimeout: 70_000 });
  const pool = new Pool({ connectionString: system.databaseUrl, max: 2, application_name: 'e2e test' });
  pool.on('error', () => undefined);
  const caller = (key: string | null) => new HttpClient(system.url, { agent, key });
  const { stop: stopSystem, ...rest } = system;
  let stopping: Promise<void> | undefined;

  async function stopAll() {
    await agent.destroy();
    await pool.end();
    await stopSystem();
    if (process.env.E2E_KEEP) console.log(`kept: ${dataDir}`);
    else rmSync(folder, { recursive: true, force: true });
  }

  return {
    ...rest,
    lines,
    dataDir,
    adminKey,
    admin: caller(adminKey),
    caller,
    service(name) {
      const found = system.services[name];
      if (!found) throw new Error(`the system runs no ${name}`);
      return found;
    },
    faults: () => lines.filter((line) => / handling \S+ \S+, try \d+ of/.test(line)),
    async sql<Row extends object>(text: string, values: unknown[] = []) {
      return (await pool.query(text, values)).rows as Row[];
    },
    stop: () => (stopping ??= stopAll()),
  };
}
