// @ts-check
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { runToEnd } from './run-to-end.mjs';

/**
 * @typedef {object} RedisBinary
 * @property {string} command
 * @property {Record<string, string>} env what it needs to find its libraries
 */

/** Both speak the protocol and the scripts that BullMQ needs; whichever the machine has. */
const SERVERS = ['redis-server', 'valkey-server'];

/** A fetch takes seconds; what is this old was interrupted. */
const ABANDONED_MS = 3_600_000;

/** What every Debian with Node.js on it has, and what must match the machine's loader. */
const PART_OF_THE_MACHINE = /^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1)$/;

/**
 * A Redis or Valkey server: from PATH, else one unpacked earlier, else one fetched from the package
 * archive of this Debian or Ubuntu and unpacked into the cache. Nothing is installed.
 *
 * @param {object} options
 * @param {string} options.cacheDir
 * @param {(line: string) => void} [options.log]
 * @param {string} [options.searchPath] default: PATH
 * @returns {Promise<RedisBinary>}
 * @throws with what to install when there is no way to one
 */
export async function redisBinary({ cacheDir, log = () => undefined, searchPath = process.env.PATH ?? '' }) {
  for (const name of SERVERS) {
    for (const folder of searchPath.split(path.delimiter).filter(Boolean)) {
      const binary = { command: path.join(folder, name), env: {} };
      if (await runs(binary)) return binary;
    }
  }
  const folder = path.join(cacheDir, 'redis');
  const cached = existsSync(folder) ? await unpackedServer(folder) : undefined;
  if (cached) return cached;
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg')) throw new Error(howToInstall());
  log(
    'no redis-server or valkey-server on PATH: fetching one from the package archive (unpacked, not installed)',
  );
  mkdirSync(cacheDir, { recursive: true });
  for (const left of readdirSync(cacheDir).filter((name) => name.startsWith('redis-fetch-'))) {
    const abandoned = Date.now() - statSync(path.join(cacheDir, left)).mtimeMs > ABANDONED_MS;
    if (abandoned) rmSync(path.join(cacheDir, left), { recursive: true, force: true });
  }
  const work = mkdtempSync(path.join(cacheDir, 'redis-fetch-'));
  try {
    await fetchServer(work);
    rmSync(folder, { recursive: true, force: true });
    renameSync(path.join(work, 'root'), folder);
  } catch (error) {
    const fetchedMeanwhile = existsSync(folder) ? await unpackedServer(folder) : undefined;
    if (fetchedMeanwhile) return fetchedMeanwhile;
    throw new Error(`${howToInstall()}\n${/** @type {Error} */ (error).message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const fetched = await unpackedServer(folder);
  if (!fetched) throw new Error(`the server unpacked in ${folder} does not run. ${howToInstall()}`);
  return fetched;
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

/** @param {RedisBinary} binary */
async function runs({ command, env }) {
  if (!existsSync(command)) return false;
  const options = { env: { ...process.env, ...env } };
  return runToEnd(command, ['--version'], options).then(
    () => true,
    () => false,
  );
}

/**
 * @param {string} folder
 * @returns {Promise<RedisBinary | undefined>}
 */
async function unpackedServer(folder) {
  const env = { LD_LIBRARY_PATH: libraryFolders(folder).join(':') };
  for (const name of SERVERS) {
    const binary = { command: path.join(folder, 'usr', 'bin', name), env };
    if (await runs(binary)) return binary;
  }
  return undefined;
}

/**
 * Every folder with a shared library in it: the multiarch ones, and those that packages make for themselves.
 *
 * @param {string} folder
 * @returns {string[]}
 */
function libraryFolders(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return [...new Set(files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath))];
}

/**
 * @param {string} work an empty folder; leaves the server in `<work>/root`
 */
async function fetchServer(work) {
  const apt = await privateApt(work);
  // One source of several may be away; what counts is whether the packages can be had.
  const update = await apt('apt-get', 'update').then(
    () => '',
    (error) => `\n${error.message}`,
  );
  for (const server of SERVERS) {
    const packages = await closure(apt, server);
    if (packages.length === 0) continue;
    await apt('apt-get', 'download', ...packages);
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      await runToEnd('/usr/bin/dpkg', ['-x', path.join(work, file), path.join(work, 'root')]);
    }
    return;
  }
  throw new Error(`the package archive has neither ${SERVERS.join(' nor ')}${update}`);
}

/**
 * apt with the machine's sources, keys and proxies, but lists, caches and state of its own, and without
 * the machine's hooks (some of them clean the machine's own caches).
 *
 * @param {string} work
 * @returns {Promise<(command: string, ...args: string[]) => Promise<string>>}
 */
async function privateApt(work) {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'none', 'root']) {
    mkdirSync(path.join(work, folder), { recursive: true });
  }
  writeFileSync(path.join(work, 'status'), '');
  const settings = (await runToEnd('apt-config', ['dump']))
    .split('\n')
    .filter((line) => !/^(APT|DPkg)::\S*(Invoke|Install-Pkgs|hooks)/i.test(line));
  const own = {
    'Dir::State': work,
    'Dir::State::lists': path.join(work, 'lists'),
    'Dir::State::status': path.join(work, 'status'),
    'Dir::Cache': path.join(work, 'cache'),
    'Dir::Cache::archives': path.join(work, 'cache', 'archives'),
    'Dir::Etc::parts': path.join(work, 'none'),
    'Dir::Etc::main': '/dev/null',
    'Debug::NoLocking': 'true',
    // apt would otherwise drop to a user that may not enter this folder.
    'APT::Sandbox::User': '',
  };
  const lines = Object.entries(own).map(([name, value]) => `${name} "${value}";`);
  const config = path.join(work, 'apt.conf');
  writeFileSync(config, [...settings, ...lines].join('\n'));
  // APT_CONFIG is read before the machine's own files, -c after: the first hides them, the second wins.
  const env = { ...process.env, APT_CONFIG: config, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  return (command, ...args) => runToEnd(command, ['-c', config, ...args], { cwd: work, env });
}

/**
 * The package, the libraries it needs and the package that holds its executable (in Debian 12
 * redis-server is a link into redis-tools); not what only an installation needs.
 *
 * @param {(command: string, ...args: string[]) => Promise<string>} apt
 * @param {string} server
 * @returns {Promise<string[]>} empty when the archive does not have it
 */
async function closure(apt, server) {
  const flags = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
    (kind) => `--no-${kind}`,
  );
  const listing = await apt('apt-cache', 'depends', '--recurse', ...flags, server).catch(() => '');
  const dependencies = parseDependencies(listing);
  const family = new RegExp(`^(lib|lua|${server.replace('-server', '')}-)`);
  /** @type {Set<string>} */
  const wanted = new Set();
  /** @param {string} name */
  const add = (name) => {
    if (wanted.has(name) || !family.test(name) || PART_OF_THE_MACHINE.test(name)) return;
    if (!dependencies.has(name)) return;
    wanted.add(name);
    for (const needed of dependencies.get(name) ?? []) add(needed);
  };
  add(server);
  return [...wanted];
}

/**
 * Reads `apt-cache depends --recurse`: a package at the margin, what it needs below it; `|` starts an
 * alternative, of which the first is taken.
 *
 * @param {string} listing
 * @returns {Map<string, string[]>}
 */
export function parseDependencies(listing) {
  /** @type {Map<string, string[]>} */
  const dependencies = new Map();
  let current = /** @type {string[]} */ ([]);
  let alternative = false;
  for (const line of listing.split('\n')) {
    const dependency = /^\s+(\|?)(?:Pre)?Depends: <?([^\s>]+)>?$/.exec(line);
    if (dependency) {
      const [, more, name] = dependency;
      if (!alternative && name) current.push(name);
      alternative = more === '|';
    } else if (/^[^\s<]/.test(line)) {
      current = [];
      alternative = false;
      dependencies.set(line.trim(), current);
    }
  }
  return dependencies;
}
