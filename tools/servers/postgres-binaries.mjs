// @ts-check
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { runToEnd } from './run-to-end.mjs';
import { fromUnpackedPackage } from './unpacked-package.mjs';

/**
 * @typedef {object} PostgresBinaries
 * @property {string} bin folder with `postgres`, `initdb` and `pg_ctl`
 * @property {Record<string, string>} env what they need to find their libraries
 * @property {string} version such as 15.18
 */

const OLDEST_MAJOR = 15;

/** Debian and Ubuntu keep every major version in a folder of its own, off the PATH. */
const VERSIONS_FOLDER = '/usr/lib/postgresql';

/** Without LLVM (130 MB): it compiles long queries, and loads only with `jit` on. */
const FAMILY = /^(lib(?!llvm)|postgresql-\d+$)/;

/**
 * A PostgreSQL 15 or newer that is not ours: from PATH or where Debian installs it, else one unpacked from the
 * package of this Debian or Ubuntu, whatever version that is. Run it with `jit` off.
 *
 * @param {object} options
 * @param {string} options.cacheDir
 * @param {(line: string) => void} [options.log]
 * @param {string} [options.searchPath] default: PATH and the folders of installed versions
 * @returns {Promise<PostgresBinaries>}
 * @throws with what to install when there is no way to one
 */
export async function postgresBinaries({ cacheDir, log = () => undefined, searchPath = installed() }) {
  for (const folder of searchPath.split(path.delimiter).filter(Boolean)) {
    const found = await binariesAt(folder, {});
    if (found) return found;
  }
  return fromUnpackedPackage({
    cacheDir,
    name: 'postgresql',
    wanted: `PostgreSQL ${OLDEST_MAJOR} or newer`,
    packages: ['postgresql'],
    family: FAMILY,
    // PostgreSQL finds its other files from where its program is, so the tree may be anywhere.
    find: ({ folder, env }) => newestOf(path.join(folder, VERSIONS_FOLDER), env),
    howToInstall: `This needs a PostgreSQL ${OLDEST_MAJOR} or newer: install your distribution's postgresql server.`,
    log,
  });
}

function installed() {
  return [process.env.PATH ?? '', ...versionFolders(VERSIONS_FOLDER)].join(path.delimiter);
}

/**
 * @param {string} folder
 * @param {Record<string, string>} env
 */
async function newestOf(folder, env) {
  for (const bin of versionFolders(folder)) {
    const found = await binariesAt(bin, env);
    if (found) return found;
  }
  return undefined;
}

/**
 * @param {string} folder
 * @returns {string[]} newest first
 */
function versionFolders(folder) {
  const versions = existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+$/.test(name)) : [];
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => path.join(folder, version, 'bin'));
}

/**
 * @param {string} folder
 * @param {Record<string, string>} env
 * @returns {Promise<PostgresBinaries | undefined>}
 */
async function binariesAt(folder, env) {
  if (!existsSync(path.join(folder, 'postgres'))) return undefined;
  // What is on PATH is often a link; initdb and pg_ctl are beside what it points at.
  const bin = path.dirname(realpathSync(path.join(folder, 'postgres')));
  /** @param {string} name */
  const versionOf = async (name) => {
    const options = { env: { ...process.env, ...env } };
    const words = await runToEnd(path.join(bin, name), ['--version'], options).catch(() => '');
    return /\(PostgreSQL\) (\d\S*)/.exec(words)?.[1];
  };
  const [version, ...others] = await Promise.all(['postgres', 'initdb', 'pg_ctl'].map(versionOf));
  if (!version || others.some((other) => other !== version)) return undefined;
  return Number.parseInt(version, 10) >= OLDEST_MAJOR ? { bin, env, version } : undefined;
}
