// @ts-check
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} PrepareOptions
 * @property {string} root
 * @property {(line: string) => void} log
 * @property {AbortSignal} [signal]
 */

/** require() of ES modules without a flag: Node.js 20.19, 22.12. */
const NEEDED = /** @type {Record<number, number>} */ ({ 20: 19, 22: 12 });

/**
 * @param {string} version `process.versions.node`
 * @throws when Countersign does not run on it
 */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 20 || major === 21 || major === 23 || minor < (NEEDED[major] ?? 0)) {
    throw new Error(`Countersign needs Node.js 20.19, 22.12, 24 or newer; this is ${version}`);
  }
}

/**
 * `npm ci` when what is installed is not what package-lock.json says. Runs no package's scripts.
 *
 * @param {PrepareOptions} options
 */
export async function ensureInstalled({ root, log, signal }) {
  const lock = path.join(root, 'package-lock.json');
  const stamp = path.join(root, 'node_modules', '.countersign-installed');
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && existsSync(installed) && readFileSync(stamp, 'utf8') === wanted) return;
  // Installed by hand: no stamp, but npm's own record is newer than the lock file.
  if (existsSync(stamp) || !existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
    log('installing npm packages (npm ci --ignore-scripts)');
    await install(root, signal, log);
  }
  writeFileSync(stamp, wanted);
}

const INSTALL_FLAGS = ['--ignore-scripts', '--no-audit', '--no-fund'];

/**
 * @param {string} root
 * @param {AbortSignal | undefined} signal
 * @param {(line: string) => void} log
 */
async function install(root, signal, log) {
  try {
    await run('npm', ['ci', ...INSTALL_FLAGS], { root, signal, quiet: true });
  } catch (error) {
    const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
    if (signal?.aborted || !lacksOnlyOptional(/** @type {Error} */ (error).message, packages)) throw error;
    // The registry that the lock file was made with did not have some packages for other platforms, so they
    // are not in it, and `npm ci` refuses. `npm install` takes every version from the lock file all the same.
    log('package-lock.json lacks optional packages of other platforms: installing by npm install --no-save');
    await run('npm', ['install', '--no-save', ...INSTALL_FLAGS], { root, signal, quiet: true });
  }
}

/**
 * Whether all that `npm ci` finds wrong with the lock file is that optional packages are missing from it.
 *
 * @param {string} complaint what npm printed
 * @param {Record<string, { optionalDependencies?: Record<string, string> }>} packages of package-lock.json
 */
export function lacksOnlyOptional(complaint, packages) {
  const optional = new Set(
    Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {})),
  );
  const findings = [
    ...complaint.matchAll(/(Missing|Invalid): (?:lock file's )?(\S+)@\S* (?:from lock file|does not)/g),
  ];
  return (
    findings.length > 0 && findings.every(([, kind, name]) => kind === 'Missing' && optional.has(name ?? ''))
  );
}

/**
 * Builds every app and library when a source has changed since the last build.
 *
 * @param {PrepareOptions} options
 */
export async function ensureBuilt({ root, log, signal }) {
  const stamp = path.join(root, 'node_modules', '.cache', 'countersign', 'built');
  const projects = projectFolders(root);
  const sources = fingerprint(root, projects);
  const complete = projects.every((folder) => existsSync(path.join(folder, mainOf(folder))));
  if (complete && existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  log('building');
  await build({ root, signal });
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, sources);
}

/**
 * @param {{ root: string, signal?: AbortSignal }} options
 */
export async function build({ root, signal }) {
  const nx = path.join(root, 'node_modules', '.bin', 'nx');
  await run(nx, ['run-many', '-t', 'build', '--output-style=static'], {
    root,
    signal,
    quiet: true,
    env: { NX_DAEMON: 'false', NX_NATIVE_FILE_CACHE_DIRECTORY: path.join(root, '.nx', 'native') },
  });
}

/** @param {string} root */
function projectFolders(root) {
  return ['apps', 'libs'].flatMap((kind) =>
    readdirSync(path.join(root, kind))
      .map((name) => path.join(root, kind, name))
      .filter((folder) => existsSync(path.join(folder, 'package.json')))
      .sort(),
  );
}

/** @param {string} folder */
function mainOf(folder) {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).main ?? '';
}

/**
 * @param {string} root
 * @param {string[]} projects
 * @returns {string} changes when any source file does
 */
function fingerprint(root, projects) {
  const hash = createHash('sha256');
  const files = projects.flatMap((folder) => [
    path.join(folder, 'package.json'),
    ...readdirSync(path.join(folder, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort(),
  ]);
  for (const file of [path.join(root, '.swcrc'), ...files]) {
    const { mtimeMs, size } = statSync(file);
    hash.update(`${path.relative(root, file)}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex');
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ root: string, signal?: AbortSignal, quiet?: boolean, env?: Record<string, string> }} options
 *   `quiet`: its output is shown only when it fails
 */
async function run(command, args, { root, signal, quiet = false, env = {} }) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    env: { ...process.env, npm_config_loglevel: 'error', ...env },
    ...(signal ? { signal } : {}),
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
  const [code, killedBy] = await once(child, 'close');
  if (code !== 0) {
    throw new Error(
      `${path.basename(command)} ${args.join(' ')} ended with ${killedBy ?? `code ${code}`}\n${output}`,
    );
  }
}
