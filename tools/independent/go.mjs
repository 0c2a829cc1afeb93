// @ts-check
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runToEnd } from '../servers/run-to-end.mjs';
import { fromUnpackedPackage } from '../servers/unpacked-package.mjs';

/**
 * Go with the source of golang.org/x/mod, for programs outside of a module.
 *
 * @typedef {object} Go
 * @property {string} command
 * @property {Record<string, string>} env
 */

const LIBRARY = path.join('src', 'golang.org', 'x', 'mod', 'sumdb', 'tlog');

/**
 * As Debian installs or unpacks it (packages golang-go and golang-golang-x-mod-dev): from the machine, else from the cache.
 *
 * @param {string} cacheDir
 * @returns {Promise<Go | undefined>}
 */
export async function findGo(cacheDir) {
  return (await goIn('/')) ?? goIn(path.join(cacheDir, 'go'));
}

/**
 * The same, fetched from the package archive when there is none; unpacked in the cache, not installed.
 *
 * @param {string} cacheDir
 * @param {(line: string) => void} log
 * @returns {Promise<Go>}
 */
export async function fetchGo(cacheDir, log) {
  const found = await findGo(cacheDir);
  if (found) return found;
  return fromUnpackedPackage({
    cacheDir,
    name: 'go',
    wanted: 'Go with golang.org/x/mod',
    packages: ['golang-go'],
    also: ['golang-golang-x-mod-dev'],
    family: /^golang-/,
    find: ({ folder }) => goIn(folder),
    howToInstall: 'apt-get install golang-go golang-golang-x-mod-dev',
    log,
  });
}

/** @param {string} folder stands for / */
async function goIn(folder) {
  const goPath = path.join(folder, 'usr', 'share', 'gocode');
  const goRoot = path.join(folder, 'usr', 'lib', 'go');
  const command = path.join(goRoot, 'bin', 'go');
  if (!existsSync(command) || !existsSync(path.join(goPath, LIBRARY))) return undefined;
  const env = { GOROOT: goRoot, GOPATH: goPath, GO111MODULE: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local' };
  return runToEnd(command, ['version'], { env: { ...process.env, ...env } }).then(
    () => ({ command, env }),
    () => undefined,
  );
}
