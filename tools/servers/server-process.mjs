// @ts-check
import { once } from 'node:events';

/**
 * One server that may be started, stopped and killed again and again, and that is brought back when it
 * ends by itself. PostgreSQL, Redis and our own services are all run through this.
 *
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 *
 * @typedef {object} ServerProcessOptions
 * @property {string} name
 * @property {() => Promise<ChildProcess>} launch makes what the server needs and spawns it
 * @property {() => Promise<boolean>} isReady asked every 50 ms
 * @property {number} readyTimeoutMs
 * @property {NodeJS.Signals} [stopSignal] default SIGTERM
 * @property {number} graceMs from the stop signal to SIGKILL
 * @property {(line: string) => void} log
 *
 * @typedef {object} ServerProcess
 * @property {number | undefined} pid undefined while it does not run
 * @property {(options?: { wait?: boolean }) => Promise<void>} start settles when it is ready (at once: `wait: false`)
 * @property {(options?: { signal?: NodeJS.Signals }) => Promise<void>} stop asks, then forces; settles when it is gone
 * @property {() => Promise<void>} kill SIGKILL; stays down until `start`
 * @property {() => void} suspend SIGSTOP
 * @property {() => void} resume SIGCONT
 * @property {() => Promise<void>} untilReady
 * @property {() => void} supervise from now on an exit that nobody asked for is followed by a restart
 */

const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 10_000;
/** A server that ran this long has its next restart without extra delay again. */
const SETTLED_MS = 30_000;

/**
 * @param {ServerProcessOptions} options
 * @returns {ServerProcess}
 */
export function serverProcess({
  name,
  launch,
  isReady,
  readyTimeoutMs,
  stopSignal = 'SIGTERM',
  graceMs,
  log,
}) {
  /** @type {ChildProcess | undefined} */
  let child;
  /** @type {string | undefined} */
  let lastExit;
  let wanted = false;
  let supervised = false;
  let restartMs = FIRST_RESTART_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let restartTimer;
  /** @type {Promise<void> | undefined} */
  let launching;

  /** @param {string} reason */
  function restartLater(reason) {
    if (!supervised || !wanted || restartTimer) return;
    log(`${name} ${reason}; restarting in ${restartMs} ms`);
    restartTimer = setTimeout(() => {
      restartTimer = undefined;
      spawnOnce().catch((error) => restartLater(`could not be started (${error.message})`));
    }, restartMs);
    restartMs = Math.min(restartMs * 2, LONGEST_RESTART_MS);
  }

  async function spawnOnce() {
    launching ??= (async () => {
      const started = await launch();
      if (started.pid === undefined) await failedSpawn(started);
      child = started;
      const startedAt = Date.now();
      started.once('exit', (code, signal) => {
        if (child === started) child = undefined;
        lastExit = `exited (${signal ? `signal ${signal}` : `code ${code}`})`;
        if (Date.now() - startedAt > SETTLED_MS) restartMs = FIRST_RESTART_MS;
        restartLater(lastExit);
      });
    })().finally(() => {
      launching = undefined;
    });
    await launching;
    if (!wanted) await end('SIGKILL', 0);
  }

  /**
   * @param {NodeJS.Signals} signal
   * @param {number} waitMs
   */
  async function end(signal, waitMs) {
    wanted = false;
    clearTimeout(restartTimer);
    restartTimer = undefined;
    await launching?.catch(() => undefined);
    const ending = child;
    if (!ending) return;
    const gone = once(ending, 'exit');
    ending.kill(signal);
    const force = setTimeout(() => {
      if (signal !== 'SIGKILL') log(`${name} did not stop within ${waitMs} ms; killing it`);
      ending.kill('SIGKILL');
    }, waitMs);
    await gone;
    clearTimeout(force);
  }

  async function untilReady() {
    const until = Date.now() + readyTimeoutMs;
    while (!(await isReady())) {
      if (!wanted) throw new Error(`${name} was stopped before it was ready`);
      if (!child && !supervised && !launching) throw new Error(`${name} ${lastExit ?? 'does not run'}`);
      if (Date.now() > until) throw new Error(`${name} is not ready after ${readyTimeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return {
    get pid() {
      return child?.pid;
    },
    async start({ wait = true } = {}) {
      wanted = true;
      clearTimeout(restartTimer);
      restartTimer = undefined;
      if (!child) await spawnOnce();
      if (wait) await untilReady();
    },
    stop: ({ signal = stopSignal } = {}) => end(signal, graceMs),
    kill: () => end('SIGKILL', 0),
    suspend: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    untilReady,
    supervise: () => {
      supervised = true;
    },
  };
}

/**
 * @param {ChildProcess} started
 * @returns {Promise<never>}
 */
async function failedSpawn(started) {
  const [error] = await once(started, 'error');
  throw error;
}
