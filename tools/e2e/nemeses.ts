import { Redis } from 'ioredis';
import { eventually, pause } from './eventually';
import type { ProcessName, TestSystem } from './test-system';

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
export const killService = (name: ProcessName): Nemesis => ({
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

/** SIGSTOP, and SIGCONT after so many milliseconds: it goes on as if nothing had been. */
export const suspendService = (name: ProcessName, ms: number): Nemesis => ({
  name: `SIGSTOP to ${name} for ${ms / 1_000} s`,
  async strike(system) {
    const service = system.service(name);
    service.suspend();
    await pause(ms);
    service.resume();
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

/** `fast` is a restart as an administrator does it, `kill` a crash. */
export const postgresAway = (how: 'fast' | 'kill', ms: number): Nemesis => ({
  name: `PostgreSQL ${how === 'fast' ? 'stopped' : 'killed'}, away for ${ms / 1_000} s`,
  async strike({ postgres }) {
    if (!postgres) throw new Error('the system uses an outside PostgreSQL');
    await (how === 'fast' ? postgres.stop({ mode: 'fast' }) : postgres.kill());
    await pause(ms);
    await postgres.start();
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
