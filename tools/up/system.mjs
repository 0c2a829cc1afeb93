// @ts-check
import path from 'node:path';
import { freePort, isPortFree } from '../servers/free-port.mjs';
import { createPostgres } from '../servers/postgres.mjs';
import { createRedis } from '../servers/redis.mjs';
import { runToEnd } from '../servers/run-to-end.mjs';
import { lockDataFolder, newAdminKey, once, openDataFolder, secretKey } from './data-folder.mjs';
import { rotate } from './log-file.mjs';
import { createService } from './service.mjs';

/**
 * @typedef {import('./service.mjs').Service} Service
 *
 * @typedef {object} SystemOptions
 * @property {string} root the project, built
 * @property {string} dataDir
 * @property {NodeJS.ProcessEnv} [env] default: that of this process
 * @property {(line: string) => void} [log]
 * @property {number} [port] the public one; default: COUNTERSIGN_PORT, else 4080
 * @property {readonly string[]} [services] default: all of them
 * @property {Record<string, number>} [replicas] processes per service; the second one of `routing` is `routing-2`
 * @property {Record<string, number>} [ports] of processes by name; default: a free one for each
 * @property {Record<string, string>} [entryPoints] another script for a service
 * @property {Record<string, Record<string, string>>} [serviceEnv] more environment for a service
 * @property {string} [cacheDir] where a fetched Redis is kept; default `<root>/.countersign-cache`
 * @property {boolean} [migrations] default true
 * @property {AbortSignal} [signal] gives up the start, and stops what has been started
 *
 * @typedef {object} System
 * @property {string} url
 * @property {string | null} adminKey null when it was printed by an earlier start and not given by the environment
 * @property {boolean} firstStart of this data folder
 * @property {string} databaseUrl with the owner's credentials
 * @property {string} redisUrl
 * @property {string} secretKey
 * @property {Record<string, Service>} services
 * @property {import('../servers/postgres.mjs').Postgres | null} postgres null with DATABASE_URL
 * @property {import('../servers/redis.mjs').Redis | null} redis null with REDIS_URL
 * @property {() => Promise<void>} stop services first, then Redis and PostgreSQL
 */

export const SERVICES = /** @type {const} */ ([
  'gateway',
  'intake',
  'routing',
  'approver-resolution',
  'notification',
  'audit',
]);

const DEFAULT_PORT = 4080;

/** The embedded start is for trying things out: a subscriber on the same machine is the usual one. */
const LOOPBACK = '127.0.0.0/8,::1/128';

/**
 * Starts PostgreSQL, Redis and every service, each as a process of its own, and keeps them running.
 *
 * @param {SystemOptions} options
 * @returns {Promise<System>}
 */
export async function startSystem(options) {
  const { root, env = process.env, log = console.log, signal } = options;
  signal?.throwIfAborted();
  const dataDir = openDataFolder(path.resolve(root, options.dataDir));
  const unlock = lockDataFolder(dataDir);
  /** @type {(() => Promise<void>)[]} */
  const cleanUps = [async () => unlock()];
  let stopping = /** @type {Promise<void> | undefined} */ (undefined);
  const stop = () => (stopping ??= inReverse(cleanUps));

  try {
    return await untilAborted(start(), signal);
  } catch (error) {
    await stop();
    throw error;
  }

  async function start() {
    const port = options.port ?? Number(env.COUNTERSIGN_PORT || DEFAULT_PORT);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(
        `COUNTERSIGN_PORT must be a number from 1 to 65535, not '${options.port ?? env.COUNTERSIGN_PORT}'`,
      );
    if (!(await isPortFree(port)))
      throw new Error(`port ${port} is in use: set COUNTERSIGN_PORT to another one`);

    const [postgres, redis] = await Promise.all([
      startPostgresUnless(env.DATABASE_URL),
      startRedisUnless(env.REDIS_URL),
    ]);
    const databaseUrl = env.DATABASE_URL || /** @type {NonNullable<typeof postgres>} */ (postgres).url;
    const redisUrl = env.REDIS_URL || /** @type {NonNullable<typeof redis>} */ (redis).url;
    const key = env.COUNTERSIGN_SECRET_KEY || secretKey(dataDir);
    const adminKeyMade = once(dataDir, 'admin-key');
    const firstStart = !adminKeyMade.done();
    const adminKey = env.COUNTERSIGN_ADMIN_KEY || (firstStart ? newAdminKey() : null);

    if (options.migrations !== false) {
      signal?.throwIfAborted();
      await runToEnd(process.execPath, [path.join(root, 'tools', 'migrate.mjs')], {
        cwd: root,
        env: { ...env, NODE_ENV: 'production', DATABASE_URL: databaseUrl, COUNTERSIGN_SECRET_KEY: key },
        signal,
      });
    }

    const url = env.COUNTERSIGN_PUBLIC_URL || `http://localhost:${port}`;
    const ports = await choosePorts(port);
    /** @type {NodeJS.ProcessEnv} */
    const shared = {
      ...env,
      NODE_ENV: 'production',
      DATABASE_URL: withoutCredentials(databaseUrl),
      REDIS_URL: redisUrl,
      COUNTERSIGN_SECRET_KEY: key,
      COUNTERSIGN_PUBLIC_URL: url,
      COUNTERSIGN_WEBHOOK_ALLOW: env.COUNTERSIGN_WEBHOOK_ALLOW ?? LOOPBACK,
      SERVICE_HOST: '127.0.0.1',
    };
    delete shared.COUNTERSIGN_ADMIN_KEY;
    /** @type {Record<string, Service>} */
    const services = {};
    for (const [name, servicePort] of ports) {
      const kind = name.replace(/-\d+$/, '');
      const service = createService({
        name,
        entryPoint: path.resolve(
          root,
          options.entryPoints?.[kind] ?? path.join('apps', kind, 'dist', 'main.js'),
        ),
        root,
        dataDir,
        port: servicePort,
        log,
        env: {
          ...shared,
          SERVICE_PORT: String(servicePort),
          ...(kind === 'gateway' ? gatewayEnv(servicePort, ports, adminKey) : {}),
          ...options.serviceEnv?.[kind],
        },
      });
      services[name] = service;
    }
    cleanUps.push(async () => {
      await Promise.all(Object.values(services).map((service) => service.stop()));
      for (const service of Object.values(services)) service.close();
    });
    // The way in closes first, so that nothing is taken that nobody is left to work on.
    const gateways = Object.entries(services).filter(([name]) => name.startsWith('gateway'));
    cleanUps.push(async () => {
      await Promise.all(gateways.map(([, gateway]) => gateway.stop()));
    });

    signal?.throwIfAborted();
    await Promise.all(Object.values(services).map((service) => service.start()));
    for (const server of [postgres, redis, ...Object.values(services)]) server?.supervise();
    adminKeyMade.mark();
    return {
      url,
      adminKey,
      firstStart,
      databaseUrl,
      redisUrl,
      secretKey: key,
      services,
      postgres,
      redis,
      stop,
    };
  }

  /** @param {string | undefined} outside */
  async function startPostgresUnless(outside) {
    if (outside) return null;
    const logFile = path.join(dataDir, 'logs', 'postgres.log');
    rotate(logFile);
    const postgres = await createPostgres({ root, dir: path.join(dataDir, 'postgres'), logFile, log });
    cleanUps.push(() => postgres.stop());
    signal?.throwIfAborted();
    await postgres.start();
    return postgres;
  }

  /** @param {string | undefined} outside */
  async function startRedisUnless(outside) {
    if (outside) return null;
    const cacheDir = options.cacheDir ?? path.join(root, '.countersign-cache');
    const logFile = path.join(dataDir, 'logs', 'redis.log');
    rotate(logFile);
    const redis = await createRedis({ dir: path.join(dataDir, 'redis'), cacheDir, logFile, log });
    cleanUps.push(() => redis.stop());
    signal?.throwIfAborted();
    await redis.start();
    return redis;
  }

  /**
   * @param {number} publicPort
   * @returns {Promise<Map<string, number>>} by the name of the process
   */
  async function choosePorts(publicPort) {
    /** @type {Map<string, number>} */
    const ports = new Map();
    for (const kind of options.services ?? SERVICES) {
      const count = options.replicas?.[kind] ?? 1;
      for (let replica = 1; replica <= count; replica++) {
        const name = replica === 1 ? kind : `${kind}-${replica}`;
        ports.set(name, name === 'gateway' ? publicPort : (options.ports?.[name] ?? (await freePort())));
      }
    }
    return ports;
  }
}

/**
 * @param {number} port
 * @param {Map<string, number>} ports
 * @param {string | null} adminKey
 * @returns {Record<string, string>}
 */
function gatewayEnv(port, ports, adminKey) {
  /** @type {Record<string, string>} */
  const env = { COUNTERSIGN_PORT: String(port) };
  for (const kind of SERVICES) {
    const port = ports.get(kind);
    if (kind !== 'gateway' && port)
      env[`${kind.toUpperCase().replaceAll('-', '_')}_URL`] = `http://127.0.0.1:${port}`;
  }
  if (adminKey) env.COUNTERSIGN_ADMIN_KEY = adminKey;
  return env;
}

/**
 * Each service has its own role and derives the role's password from the secret key; the owner's is for
 * migrations only.
 *
 * @param {string} databaseUrl
 */
function withoutCredentials(databaseUrl) {
  const url = new URL(databaseUrl);
  url.username = '';
  url.password = '';
  return url.href;
}

/** @param {(() => Promise<void>)[]} cleanUps */
async function inReverse(cleanUps) {
  /** @type {unknown[]} */
  const failures = [];
  for (let next = cleanUps.pop(); next; next = cleanUps.pop())
    await next().catch((error) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped');
}

/**
 * @template T
 * @param {Promise<T>} work
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
function untilAborted(work, signal) {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
