// @ts-check
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../servers/free-port.mjs';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from '../up/prepare.mjs';

/**
 * @typedef {object} OneService
 * @property {string} dir folder of this run alone, gone at its end
 * @property {string} secretKey
 * @property {import('../servers/postgres.mjs').Postgres} postgres with the tables of the service
 * @property {{ url: string }} redis
 * @property {any} owner pool of the tables' owner
 * @property {number} port of the service
 * @property {string} logFile what the service warns of
 * @property {() => Promise<number | undefined>} start the service; settles when it is ready, with its process id
 * @property {(workspace: string, workflows?: string[] | null) => Promise<Record<string, string>>} identity headers of a key that may do
 *   everything, in all workflows if none are named
 * @property {(end: () => unknown) => void} atEnd what else there is to stop; the newest first
 */

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Loads packages and what is built, once `prepare` has settled. @type {(id: string) => any} */
export const load = createRequire(path.join(root, 'package.json'));

/** Installs and builds what is missing. */
export async function prepare() {
  checkNodeVersion(process.versions.node);
  await ensureInstalled({ root, log: console.log });
  await ensureBuilt({ root, log: console.log });
  load('reflect-metadata');
}

/**
 * One service alone, as a process with a PostgreSQL and a Redis of its own, for as long as `work` takes. Call `prepare` before.
 *
 * @template T
 * @param {{ service: 'audit' | 'notification', env?: Record<string, string>, settings?: Record<string, string> }} options `env` of the
 *   service, `settings` of PostgreSQL
 * @param {(one: OneService) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withOneService({ service, env = {}, settings = {} }, work) {
  const { createPostgres } = await import('../servers/postgres.mjs');
  const { createRedis } = await import('../servers/redis.mjs');
  const { migrate } = load('@countersign/persistence');
  const { IdentitySigner, identityHeader } = load('@countersign/service-kit');
  const app = path.join(root, 'apps', service, 'dist');
  const { migrations, appendOnly } = load(path.join(app, 'migrations', 'index.js'));
  const pg = load('pg');
  const { v7 } = load('uuid');

  const dir = mkdtempSync(path.join(os.tmpdir(), `countersign-bench-${service}-`));
  /** @type {(() => unknown)[]} */
  const ending = [() => rmSync(dir, { recursive: true, force: true })];
  const atEnd = (/** @type {() => unknown} */ end) => void ending.unshift(end);
  try {
    const secretKey = randomBytes(32).toString('base64');
    const quiet = () => undefined;
    const postgres = await createPostgres({ root, dir: path.join(dir, 'postgres'), log: quiet, settings });
    atEnd(() => postgres.stop());
    const cacheDir = path.join(root, '.countersign-cache');
    const redis = await createRedis({ dir: path.join(dir, 'redis'), cacheDir, log: quiet });
    atEnd(() => redis.stop());
    await Promise.all([postgres.start(), redis.start()]);
    await migrate({ ownerUrl: postgres.url, secretKey, schema: service, migrations, appendOnly });
    const owner = new pg.Pool({
      connectionString: postgres.url,
      options: `-c search_path=${service}`,
      max: 4,
    });
    owner.on('error', quiet);
    atEnd(() => owner.end());
    const port = await freePort();
    const logFile = path.join(dir, `${service}.log`);
    const log = openSync(logFile, 'a');
    const signer = new IdentitySigner(secretKey);
    return await work({
      dir,
      secretKey,
      postgres,
      redis,
      owner,
      port,
      logFile,
      atEnd,
      async start() {
        const started = spawn(process.execPath, [path.join(app, 'main.js')], {
          stdio: ['ignore', log, log],
          env: {
            PATH: process.env.PATH,
            DATABASE_URL: withoutCredentials(postgres.url),
            REDIS_URL: redis.url,
            COUNTERSIGN_SECRET_KEY: secretKey,
            SERVICE_PORT: String(port),
            LOG_LEVEL: 'warn',
            ...env,
          },
        });
        const ended = new Promise((resolve) => started.once('exit', resolve));
        atEnd(() => {
          started.kill('SIGTERM');
          return ended;
        });
        await becomesReady(port);
        return started.pid;
      },
      async identity(workspace, workflows = null) {
        const identity = await signer.sign({
          workspace: { id: workspace, name: 'Bench', kind: 'live' },
          key: { id: v7(), name: 'bench', scopes: ['admin'], workflows },
          actor: null,
        });
        return { [identityHeader]: identity };
      },
    });
  } finally {
    for (const end of ending) await Promise.resolve(end()).catch((error) => console.error(error));
  }
}

/** @param {number} port */
async function becomesReady(port) {
  for (let tries = 0; tries < 300; tries += 1) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the service did not become ready');
}

/** Services know their own. @param {string} text */
function withoutCredentials(text) {
  const url = new URL(text);
  url.username = url.password = '';
  return url.href;
}
