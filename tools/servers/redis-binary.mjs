// @ts-check
import path from 'node:path';
import { firstThatRuns } from './first-that-runs.mjs';
import { fromUnpackedPackage } from './unpacked-package.mjs';

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
 * @returns {Promise<import('./first-that-runs.mjs').Binary>}
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
