// @ts-check
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import pg from 'pg';
import { cpuOfProcesses } from './process-cpu.mjs';

/**
 * What a run cost.
 *
 * @typedef {object} Usage
 * @property {Record<string, number> | undefined} cpuMs by process; undefined where there is no /proc
 * @property {number} driverCpuMs of this process
 * @property {Promise<number>} commits in the contestant's database; known some seconds later
 * @property {Record<string, number>} redisCommands by command; none without a Redis
 *
 * @typedef {Pick<import('./contestants/enter.mjs').Entrant, 'name' | 'database' | 'redisUrl' | 'processes'>} Metered
 */

/** What is left to do after the last webhook (audit, acknowledgements) belongs to the run, too. */
const TRAILING_MS = 1_000;

/** An idle backend reports what it has counted only then: PGSTAT_IDLE_INTERVAL in PostgreSQL's pgstat.c. */
const STATISTICS_LAG_MS = 10_500;

/**
 * @param {string} maintenanceUrl of a database that no contestant uses
 * @param {import('./clean-ups.mjs').CleanUps} cleanUps
 */
export async function openMeters(maintenanceUrl, cleanUps) {
  const client = new pg.Client({ connectionString: maintenanceUrl });
  await client.connect();
  cleanUps.add(() => client.end());
  /** @type {Map<string, number>} */
  const activeUntil = new Map();

  /**
   * Transactions committed so far, once those of its last run are all reported.
   *
   * @param {Metered} contestant
   * @returns {Promise<number>}
   */
  async function commitsOf({ name, database }) {
    await pause((activeUntil.get(name) ?? 0) + STATISTICS_LAG_MS - performance.now());
    const { rows } = await client.query('SELECT xact_commit FROM pg_stat_database WHERE datname = $1', [
      new URL(database).pathname.slice(1),
    ]);
    return Number(rows[0].xact_commit);
  }

  return {
    /** @param {Metered} contestant that has just been driven unmeasured */
    warmedUp: ({ name }) => void activeUntil.set(name, performance.now()),

    /**
     * @template Result
     * @param {Metered} contestant
     * @param {() => Promise<Result>} run
     * @returns {Promise<{ result: Result, usage: Usage }>}
     */
    async measure(contestant, run) {
      const commitsBefore = await commitsOf(contestant);
      const commandsBefore = await commandsOf(contestant);
      const cpuBefore = cpuOfProcesses(contestant.processes());
      const driverBefore = process.cpuUsage();
      const result = await run();
      const driver = process.cpuUsage(driverBefore);
      await pause(TRAILING_MS);
      const cpu = cpuOfProcesses(contestant.processes());
      const commands = await commandsOf(contestant);
      activeUntil.set(contestant.name, performance.now());
      const commits = commitsOf(contestant).then((after) => after - commitsBefore);
      // Nobody waits for it when the bench is given up.
      commits.catch(() => undefined);
      return {
        result,
        usage: {
          cpuMs: cpu && difference(cpu, cpuBefore ?? {}),
          driverCpuMs: (driver.user + driver.system) / 1_000,
          commits,
          redisCommands: difference(commands, commandsBefore),
        },
      };
    },
  };
}

/** @param {Metered} contestant */
async function commandsOf({ redisUrl }) {
  if (!redisUrl) return {};
  const redis = new Redis(redisUrl, { lazyConnect: true, retryStrategy: () => null });
  try {
    await redis.connect();
    return parseCommandStatistics(await redis.info('commandstats'));
  } finally {
    redis.disconnect();
  }
}

/**
 * @param {string} info the section `commandstats` of INFO
 * @returns {Record<string, number>} calls by command, those made by scripts included; without our own INFO
 */
export function parseCommandStatistics(info) {
  /** @type {Record<string, number>} */
  const calls = {};
  for (const [, name = '', count] of info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm))
    if (name !== 'info') calls[name] = Number(count);
  return calls;
}

/** @param {Record<string, number>} after @param {Record<string, number>} before */
function difference(after, before) {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

/** @param {number} ms */
function pause(ms) {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}
