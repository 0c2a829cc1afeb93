// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { serverProcess } from '../../servers/server-process.mjs';

const READY_TIMEOUT_MS = 60_000;
const GRACE_MS = 10_000;

/**
 * @typedef {import('../../servers/server-process.mjs').ServerProcess} ServerProcess
 *
 * @typedef {object} ProgramOptions
 * @property {string} name
 * @property {string} command
 * @property {string[]} args
 * @property {NodeJS.ProcessEnv} env
 * @property {string} dataDir its log goes to `<dataDir>/logs/<name>.log`
 * @property {(printed: string) => Promise<boolean>} isReady is given what it has printed so far
 * @property {boolean} [channel] whether it ends when the channel to us closes; default false
 * @property {import('../clean-ups.mjs').CleanUps} cleanUps
 * @property {(line: string) => void} log
 */

/**
 * Starts a program of a contestant, to be stopped with it. It is not brought back: one that ends is out.
 *
 * @param {ProgramOptions} options
 * @returns {Promise<ServerProcess>}
 * @throws with the end of its log when it does not become ready
 */
export async function startProgram({
  name,
  command,
  args,
  env,
  dataDir,
  isReady,
  channel = false,
  cleanUps,
  log,
}) {
  const logFile = path.join(dataDir, 'logs', `${name}.log`);
  const server = serverProcess({
    name,
    launch: async () => {
      const sink = openSync(logFile, 'a', 0o600);
      const child = spawn(command, args, {
        cwd: dataDir,
        env: { ...env, NODE_ENV: 'production' },
        stdio: ['ignore', sink, sink, ...(channel ? [/** @type {const} */ ('ipc')] : [])],
        // A Ctrl-C in the terminal is for us, who stop it.
        detached: true,
      });
      closeSync(sink);
      return child;
    },
    isReady: () => isReady(readFileSync(logFile, 'utf8')),
    readyTimeoutMs: READY_TIMEOUT_MS,
    graceMs: GRACE_MS,
    log,
  });
  cleanUps.add(() => server.stop());
  try {
    await server.start();
  } catch (error) {
    const end = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
    throw new Error(`${/** @type {Error} */ (error).message}\n${end}`);
  }
  return server;
}

/**
 * A Node.js program that listens on a port of its choice and prints it.
 *
 * @param {Omit<ProgramOptions, 'command' | 'args' | 'isReady' | 'channel'> & { script: string }} options
 * @returns {Promise<{ server: ServerProcess, url: string }>}
 */
export async function startNodeProgram({ script, ...options }) {
  let port = '';
  const server = await startProgram({
    ...options,
    command: process.execPath,
    args: [script],
    channel: true,
    isReady: async (printed) => {
      port = /^(\d+)$/m.exec(printed)?.[1] ?? '';
      return port !== '';
    },
  });
  return { server, url: `http://127.0.0.1:${port}` };
}
