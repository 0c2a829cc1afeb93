import { Redis } from 'ioredis';
import { eventually, pause } from './eventually';
import type { ServiceName, TestSystem } from './test-system';

/** Something bad that happens to a running system; settles when it is over. */
export interface Nemesis {
  name: string;
  strike: (system: TestSystem) => Promise<void>;
}

export const flushRedis: Nemesis = {
  name: 'FLUSHALL on Redis',
  async strike({ redisUrl }) {
    const redis = new Redis(redisUrl, { lazyConnect: true });
    await redis.connect();
    await redis.flushall();
    redis.disconnect();
  },
};

/** SIGKILL; the supervisor brings it back. */
export const killService = (name: ServiceName): Nemesis => ({
  name: `SIGKILL to ${name}`,
  async strike(system) {
    const service = system.service(name);
    const pid = service.pid;
    if (pid === undefined) throw new Error(`${name} does not run`);
    process.kill(pid, 'SIGKILL');
    await eventually(`${name} is back`, () => service.pid !== undefined && service.pid !== pid);
    await service.untilReady();
  },
});

export const redisAway = (ms: number): Nemesis => ({
  name: `Redis down for ${ms / 1_000} s`,
  async strike({ redis }) {
    if (!redis) throw new Error('the system uses an outside Redis');
    await redis.kill();
    await pause(ms);
    await redis.start();
  },
});

export const cutDatabaseConnections: Nemesis = {
  name: 'every PostgreSQL connection terminated',
  async strike({ sql }) {
    await sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'e2e test'`,
    );
  },
};
