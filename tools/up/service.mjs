// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { isPortFree } from '../servers/free-port.mjs';
import { endRecordedProcess, recordProcess } from '../servers/process-identity.mjs';
import { serverProcess } from '../servers/server-process.mjs';
import { followWarnings, rotate } from './log-file.mjs';

/**
 * @typedef {object} Service
 * @property {string} url
 * @property {number} port the same over restarts
 * @property {string} logFile
 * @property {number | undefined} pid undefined while it does not run
 * @property {(options?: { wait?: boolean }) => Promise<void>} start settles when it is ready (at once: `wait: false`)
 * @property {() => Promise<void>} stop SIGTERM, 10 s, SIGKILL; it stays down until `start`
 * @property {() => Promise<void>} kill SIGKILL; it stays down until `start`
 * @property {() => void} suspend SIGSTOP
 * @property {() => void} resume SIGCONT
 * @property {() => Promise<void>} untilReady
 * @property {() => void} supervise restart it when it ends by itself
 * @property {() => void} close stops reading its log
 */

const READY_TIMEOUT_MS = 90_000;
const GRACE_MS = 10_000;

/**
 * One process of a service, not started yet. Its output goes to `<dataDir>/logs/<name>.log`.
 *
 * @param {object} options
 * @param {string} options.name
 * @param {string} options.entryPoint the script
 * @param {string} options.root
 * @param {string} options.dataDir
 * @param {number} options.port
 * @param {NodeJS.ProcessEnv} options.env
 * @param {(line: string) => void} options.log
 * @returns {Service}
 */
export function createService({ name, entryPoint, root, dataDir, port, env, log }) {
  const logFile = path.join(dataDir, 'logs', `${name}.log`);
  const pidFile = path.join(dataDir, 'run', `${name}.json`);
  const url = `http://127.0.0.1:${port}`;
  rotate(logFile);
  const follower = followWarnings(logFile, (line) => log(`${name}: ${line}`));

  async function launch() {
    await endRecordedProcess(pidFile, 2_000);
    if (!(await isPortFree(port))) throw new Error(`port ${port} is in use`);
    const sink = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, ['--enable-source-maps', entryPoint], {
      cwd: root,
      env,
      // The channel carries nothing; the service ends when it closes, which it does however we end.
      stdio: ['ignore', sink, sink, 'ipc'],
      detached: true,
    });
    closeSync(sink);
    if (child.pid !== undefined) recordProcess(pidFile, child.pid);
    child.once('exit', () => follower.flush());
    return child;
  }

  const server = serverProcess({
    name,
    launch,
    isReady: () => answersReady(url),
    readyTimeoutMs: READY_TIMEOUT_MS,
    graceMs: GRACE_MS,
    log,
  });

  return {
    url,
    port,
    logFile,
    get pid() {
      return server.pid;
    },
    start: (how) =>
      server.start(how).catch((error) => {
        follower.flush();
        throw new Error(`${error.message}; its log is ${logFile}`);
      }),
    stop: () => server.stop(),
    kill: server.kill,
    suspend: server.suspend,
    resume: server.resume,
    untilReady: server.untilReady,
    supervise: server.supervise,
    close: follower.close,
  };
}

/**
 * @param {string} url
 * @returns {Promise<boolean>}
 */
export async function answersReady(url) {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}
