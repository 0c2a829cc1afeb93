import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadOptions } from '../e2e/load';
import { startLoadedSystem, type LoadedSystem } from '../e2e/loaded-system';
import type { ProcessName, ServiceName } from '../e2e/test-system';
import { freePort } from '../servers/free-port.mjs';
import { createPostgres } from '../servers/postgres.mjs';
import { createRedis } from '../servers/redis.mjs';
import { processes, type Server } from './schedule';
import { TcpProxy } from './tcp-proxy';

export interface ChaosSystem extends LoadedSystem {
  /** Between the services and their servers; tests and migrations go to the servers themselves. */
  proxies: Readonly<Record<Server, TcpProxy>>;
}

/**
 * A loaded system with two processes of every service, where calls for a service go to either, and everything that the
 * services say to PostgreSQL and Redis goes through proxies.
 */
export async function startChaosSystem(
  root: string,
  load: Omit<LoadOptions, 'client' | 'subscribers'>,
): Promise<ChaosSystem> {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-chaos-'));
  const cleanUps: (() => Promise<void>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  let stopping = false;
  const stop = async () => {
    stopping = true;
    for (let next = cleanUps.pop(); next; next = cleanUps.pop()) await next();
  };
  /** A strike that is on its way when all is stopped must not bring its victim back. */
  const struck = <Victim extends { start: () => Promise<void> }>(victim: Victim): Victim =>
    Object.create(victim, {
      start: {
        value: async () => {
          if (!stopping) await victim.start();
        },
      },
    }) as Victim;
  const proxyTo = async (options: Parameters<typeof TcpProxy.start>[0]) => {
    const proxy = await TcpProxy.start(options);
    cleanUps.push(() => proxy.stop());
    return proxy;
  };

  try {
    const postgres = await createPostgres({ root, dir: path.join(folder, 'postgres') });
    cleanUps.push(() => postgres.stop());
    const redis = await createRedis({
      dir: path.join(folder, 'redis'),
      cacheDir: path.join(root, '.countersign-cache'),
    });
    cleanUps.push(() => redis.stop());
    await Promise.all([postgres.start(), redis.start()]);
    const proxies = {
      PostgreSQL: await proxyTo({ to: [postgres.port], postgres: true }),
      Redis: await proxyTo({ to: [redis.port] }),
    };

    const ports: Partial<Record<ProcessName, number>> = {};
    for (const name of processes) ports[name] = await freePort();
    const balanced = async (service: ServiceName) => {
      const to = [ports[service], ports[`${service}-2`]].filter((port) => port !== undefined);
      return `http://127.0.0.1:${(await proxyTo({ to })).port}`;
    };
    const behindProxies = {
      DATABASE_URL: `postgres://127.0.0.1:${proxies.PostgreSQL.port}/countersign`,
      REDIS_URL: at(redis.url, proxies.Redis.port),
    };
    const loaded = await startLoadedSystem(
      {
        env: {
          DATABASE_URL: postgres.url,
          REDIS_URL: redis.url,
          COUNTERSIGN_PUBLIC_URL: await balanced('gateway'),
        },
        replicas: {
          gateway: 2,
          intake: 2,
          routing: 2,
          'approver-resolution': 2,
          notification: 2,
          audit: 2,
        },
        ports,
        serviceEnv: {
          gateway: {
            ...behindProxies,
            INTAKE_URL: await balanced('intake'),
            ROUTING_URL: await balanced('routing'),
            APPROVER_RESOLUTION_URL: await balanced('approver-resolution'),
            NOTIFICATION_URL: await balanced('notification'),
            AUDIT_URL: await balanced('audit'),
          },
          intake: behindProxies,
          // Several jobs at once in each process, so that the same request is worked on in several places.
          routing: { ...behindProxies, COUNTERSIGN_CONCURRENCY: '4' },
          'approver-resolution': behindProxies,
          notification: behindProxies,
          audit: behindProxies,
        },
      },
      load,
    );
    cleanUps.push(() => loaded.stop());
    postgres.supervise();
    redis.supervise();
    return {
      ...loaded,
      system: { ...loaded.system, postgres: struck(postgres), redis: struck(redis) },
      proxies,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function at(address: string, port: number): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}
