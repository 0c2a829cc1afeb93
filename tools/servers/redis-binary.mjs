// @ts-check
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runToEnd } from './run-to-end.mjs';
import { fromUnpackedPackage } from './unpacked-package.mjs';

/**
 * @typedef {object} RedisBinary
 * @property {string} command
 * @property {Record<string, string>} env what it needs to find its libraries
 */

/** Both speak the protocol and the scripts that BullMQ needs; whichever the machine has. */
const SERVERS = ['redis-server', 'valkey-server'];

/** In Debian 12 redis-server is a link into redis-tools. */
const FAMILY = /^(lib|lua|redis-|valkey-)/;

/**
 * A Redis or Valkey server: from PATH, else one unpacked from a package of this Debian or Ubuntu.
 *
 * @param {object} options
 * @param {string} options.cacheDir
 * @param {(line: string) => void} [options.log]
 * @param {string} [options.searchPath] default: PATH
 * @returns {Promise<RedisBinary>}
 * @throws with what to install when there is no way to one
 */
export async function redisBinary({ cacheDir, log = () => undefined, searchPath = process.env.PATH ?? '' }) {
  const folders = searchPath.split(path.delimiter).filter(Boolean);
  for (const name of SERVERS) {
    const found = await firstThatRuns(
      folders.map((folder) => path.join(folder, name)),
      {},
    );
    if (found) return found;
  }
  return fromUnpackedPackage({
    cacheDir,
    name: 'redis',
    wanted: SERVERS.join(' or '),
    packages: SERVERS,
    family: FAMILY,
    find: ({ folder, env }) =>
      firstThatRuns(
        SERVERS.map((name) => path.join(folder, 'usr', 'bin', name)),
        env,
      ),
    howToInstall: howToInstall(),
    log,
  });
}

function howToInstall() {
  const how =
    process.platform === 'darwin'
      ? 'brew install valkey'
      : process.platform === 'linux'
        ? 'apt-get install redis-server, dnf install valkey or apk add valkey'
        : 'install Redis 7 or Valkey 8';
  return `Countersign needs a Redis server: ${how}; or set REDIS_URL to a Redis 7 or Valkey that keeps everything (maxmemory-policy noeviction).`;
}

/**
 * @param {string[]} commands
 * @param {Record<string, string>} env
 * @returns {Promise<RedisBinary | undefined>}
 */
async function firstThatRuns(commands, env) {
  for (const command of commands.filter((each) => existsSync(each))) {
    const works = await runToEnd(command, ['--version'], { env: { ...process.env, ...env } }).then(
      () => true,
      () => false,
    );
    if (works) return { command, env };
  }
  return undefined;
}
