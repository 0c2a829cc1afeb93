// @ts-check
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, checkNodeVersion, ensureInstalled } from '../up/prepare.mjs';

/**
 * `npm test`: everything. `npm test -- unit|int|e2e [jest arguments]`: one kind of test, without the checks.
 * Ends with the line `N passed, N failed`, in which every check (build, lint, …) counts as one.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Those of a lane run one after the other, the lanes side by side. */
const CHECKS = /** @type {const} */ ([
  [['eslint', bin('eslint'), '.']],
  [
    ['prettier', bin('prettier'), '--check', '--log-level', 'warn', '.'],
    ['tsc', bin('tsc'), '--noEmit', '-p', 'tsconfig.json'],
    ['openapi', process.execPath, path.join(root, 'tools', 'openapi.mjs'), '--check'],
  ],
]);

/** A hanging test must not hang the run: well above what each kind takes on two slow cores. */
const MINUTES = { check: 10, unit: 10, int: 25, e2e: 40 };

/** Test files run at once. Each file end to end is several processes already. */
const WORKERS = { unit: 2, int: 2, e2e: 1 };

/** @typedef {'unit' | 'int' | 'e2e'} Kind */
/** @typedef {{ name: string, passed: number, failed: number, seconds: number }} Outcome */

const KINDS = /** @type {const} */ (['unit', 'int', 'e2e']);
const [asked, ...jestArguments] = process.argv.slice(2);
const only = KINDS.find((kind) => kind === asked);
if (asked !== undefined && !only) {
  console.error(`usage: npm test -- [${KINDS.join('|')}] [jest arguments]`);
  process.exit(2);
}

/** @type {Outcome[]} */
const outcomes = [];
/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
const interrupted = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    interrupted.abort(new Error(`interrupted by ${signal}`));
    for (const child of running) endGroup(child, 'SIGTERM');
  });
}

const work = mkdtempSync(path.join(tmpdir(), 'countersign-test-'));
/** @type {(() => Promise<void>)[]} */
const servers = [];
try {
  await everything();
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  outcomes.push({ name: 'run', passed: 0, failed: 1, seconds: 0 });
} finally {
  for (const stop of servers.reverse()) await stop().catch((error) => console.error(error));
  rmSync(work, { recursive: true, force: true });
}
summarise();

async function everything() {
  const { signal } = interrupted;
  checkNodeVersion(process.versions.node);
  await ensureInstalled({ root, log: console.log, signal });
  if (!only || only === 'e2e') await counted('build', () => build({ root, signal }));
  if (!only) {
    await Promise.all(
      CHECKS.map(async (lane) => {
        for (const [name, command, ...args] of lane) await counted(name, () => check(name, command, args));
      }),
    );
  }
  for (const kind of only ? [only] : KINDS) {
    signal.throwIfAborted();
    if (kind === 'e2e' && jestArguments.length === 0) await counted('chromium', browser);
    await tests(kind, kind === 'int' ? await testServers() : {});
  }
}

/** Fetched before the tests that use it, whose time is limited; those that name their tests let these do it. */
async function browser() {
  const { chromiumBinary } = await import('../servers/chromium-binary.mjs');
  await chromiumBinary({ cacheDir: path.join(root, '.countersign-cache'), log: console.log });
}

/**
 * PostgreSQL and Redis for the integration tests, in a folder that goes with the run: of each worker its own, since roles
 * and queues are of a whole server.
 */
async function testServers() {
  const workers = Array.from({ length: WORKERS.int }, (_, index) => index + 1);
  return Object.assign({}, ...(await Promise.all(workers.map(serversOfWorker))));
}

/** @param {number} worker as jest counts them in JEST_WORKER_ID */
async function serversOfWorker(worker) {
  // Only now: they import packages.
  const { createPostgres } = await import('../servers/postgres.mjs');
  const { createRedis } = await import('../servers/redis.mjs');
  const log = console.log;
  const dir = path.join(work, `servers-${worker}`);
  const postgres = await createPostgres({ root, dir: path.join(dir, 'postgres'), log });
  servers.push(() => postgres.stop());
  const redis = await createRedis({
    dir: path.join(dir, 'redis'),
    cacheDir: path.join(root, '.countersign-cache'),
    log,
  });
  servers.push(() => redis.stop());
  interrupted.signal.throwIfAborted();
  await Promise.all([postgres.start(), redis.start()]);
  return { [`TEST_DATABASE_URL_${worker}`]: postgres.url, [`TEST_REDIS_URL_${worker}`]: redis.url };
}

/**
 * @param {string} name
 * @param {() => Promise<void>} work
 */
async function counted(name, work) {
  interrupted.signal.throwIfAborted();
  const start = Date.now();
  console.log(`── ${name}`);
  const failed = await work().then(
    () => 0,
    (error) => {
      console.error(error.message);
      return 1;
    },
  );
  outcomes.push({ name, passed: 1 - failed, failed, seconds: (Date.now() - start) / 1000 });
}

/** @param {string} tool */
function bin(tool) {
  return path.join(root, 'node_modules', '.bin', tool);
}

/**
 * @param {string} name
 * @param {string} command
 * @param {readonly string[]} args
 */
async function check(name, command, args) {
  const code = await run(command, [...args], {}, MINUTES.check);
  if (code !== 0) throw new Error(`${name} failed`);
}

/**
 * @param {Kind} kind
 * @param {Record<string, string>} env
 */
async function tests(kind, env) {
  const start = Date.now();
  console.log(`── ${kind} tests`);
  const report = path.join(work, `${kind}.json`);
  const workers = WORKERS[kind] > 1 ? [`--maxWorkers=${WORKERS[kind]}`] : ['--runInBand'];
  // A connection that a failed test left open must not hold up the verdict.
  if (kind !== 'unit') workers.push('--forceExit');
  const code = await run(
    bin('jest'),
    ['--selectProjects', kind, ...workers, '--json', `--outputFile=${report}`, ...jestArguments],
    { NODE_ENV: 'test', ...env },
    MINUTES[kind],
    // The same report once more, as JSON.
    'ignore',
  );
  outcomes.push({ name: kind, ...counts(report, code), seconds: (Date.now() - start) / 1000 });
}

/**
 * A suite that could not even be loaded, and a run that ended badly without a failed test, count as failed.
 *
 * @param {string} report
 * @param {number | null} code
 */
function counts(report, code) {
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  return { passed: numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} env
 * @param {number} minutes
 * @param {'inherit' | 'ignore'} [stdout]
 * @returns {Promise<number | null>} exit code; null when it was killed
 */
function run(command, args, env, minutes, stdout = 'inherit') {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what hangs below it ends with it.
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', stdout, 'inherit'],
      detached: true,
    });
    running.add(child);
    const limit = setTimeout(() => {
      console.error(`${path.basename(command)} has run for ${minutes} minutes; ending it`);
      endGroup(child, 'SIGTERM');
    }, minutes * 60_000);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(limit);
      running.delete(child);
      resolve(code);
    });
  });
}

/**
 * SIGTERM first, so that tests can end the systems they started; SIGKILL 15 s later.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function endGroup(child, signal) {
  try {
    process.kill(-(/** @type {number} */ (child.pid)), signal);
  } catch {
    return;
  }
  if (signal !== 'SIGKILL')
    setTimeout(() => running.has(child) && endGroup(child, 'SIGKILL'), 15_000).unref();
}

function summarise() {
  console.log('');
  for (const { name, passed, failed, seconds } of outcomes) {
    const numbers = `${String(passed).padStart(5)} passed ${String(failed).padStart(5)} failed`;
    console.log(`${name.padEnd(10)} ${numbers} ${seconds.toFixed(1).padStart(8)} s`);
  }
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
