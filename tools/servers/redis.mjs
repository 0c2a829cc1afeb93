// @ts-check
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { freePort, isPortFree } from './free-port.mjs';
import { endRecordedProcess, recordProcess } from './process-identity.mjs';
import { redisBinary } from './redis-binary.mjs';
import { endingWithParent } from './server-account.mjs';
import { serverProcess } from './server-process.mjs';

/**
 * @typedef {object} RedisOptions
 * @property {string} dir folder of this server alone
 * @property {string} cacheDir where a fetched server is kept
 * @property {string} [logFile] default `<dir>/redis.log`
 * @property {number} [port] default: a free one
 * @property {string} [searchPath] default: PATH
 * @property {(line: string) => void} [log]
 *
 * @typedef {object} Redis
 * @property {string} url
 * @property {number} port the same over restarts
 * @property {number | undefined} pid
 * @property {() => Promise<void>} start settles when it answers
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill
 * @property {() => void} suspend
 * @property {() => void} resume
 * @property {() => void} supervise restart it when it ends by itself
 */

/**
 * A private Redis on 127.0.0.1, not started yet. It keeps nothing: what it holds is rebuilt from PostgreSQL.
 *
 * @param {RedisOptions} options
 * @returns {Promise<Redis>}
 */
export async function createRedis({ dir, cacheDir, logFile, port, searchPath, log = () => undefined }) {
  const binary = await redisBinary({ cacheDir, log, ...(searchPath === undefined ? {} : { searchPath }) });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const folder = realpathSync(dir);
  const pidFile = path.join(folder, 'redis.pid.json');
  const password = randomBytes(24).toString('hex');
  const chosenPort = port ?? (await freePort());
  const output = logFile ?? path.join(folder, 'redis.log');

  const config = Object.entries({
    bind: '127.0.0.1',
    port: chosenPort,
    requirepass: password,
    dir: JSON.stringify(folder),
    save: '""',
    appendonly: 'no',
    // BullMQ's documentation, "Going to production": any other policy may evict a job.
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  })
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');

  async function launch() {
    if (await endRecordedProcess(pidFile, 2_000)) log('ended the Redis that an earlier start left behind');
    for (const until = Date.now() + 5_000; !(await isPortFree(chosenPort)) && Date.now() < until;)
      await pause(50);
    const sink = openSync(output, 'a', 0o600);
    // The configuration comes by stdin, so that the password is in no file and no process list.
    const { command, args } = endingWithParent(binary.command, ['-']);
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...binary.env, LC_ALL: 'C' },
      stdio: ['pipe', sink, sink],
      detached: true,
    });
    closeSync(sink);
    child.stdin?.on('error', () => undefined).end(config);
    if (child.pid !== undefined) recordProcess(pidFile, child.pid);
    return child;
  }

  const server = serverProcess({
    name: 'Redis',
    launch,
    isReady: () => answersPing(chosenPort, password),
    readyTimeoutMs: 20_000,
    graceMs: 5_000,
    log,
  });

  return {
    url: `redis://:${password}@127.0.0.1:${chosenPort}`,
    port: chosenPort,
    get pid() {
      return server.pid;
    },
    start: () => server.start(),
    stop: () => server.stop(),
    kill: () => server.kill(),
    suspend: () => server.suspend(),
    resume: () => server.resume(),
    supervise: () => server.supervise(),
  };
}

/**
 * `createRedis` and `start` in one.
 *
 * @param {RedisOptions} options
 * @returns {Promise<Redis>}
 */
export async function startRedis(options) {
  const redis = await createRedis(options);
  await redis.start();
  return redis;
}

/**
 * @param {number} port
 * @param {string} password
 * @returns {Promise<boolean>}
 */
function answersPing(port, password) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let answer = '';
    const settle = () => {
      socket.destroy();
      resolve(answer.includes('+PONG'));
    };
    socket.setTimeout(1_000, settle);
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (text) => {
      answer += text;
      if (/\+PONG|-\w+ /.test(answer)) settle();
    });
    socket.on('error', settle);
    socket.on('close', settle);
  });
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
