// @ts-check
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { packagesToRun } from './package-dependencies.mjs';
import { hasApt, privateApt } from './private-apt.mjs';
import { runToEnd } from './run-to-end.mjs';

/**
 * A package of this Debian or Ubuntu, unpacked with the libraries it needs. Nothing is installed.
 *
 * @typedef {object} Unpacked
 * @property {string} folder stands for `/`
 * @property {Record<string, string>} env what its programs need to find their libraries
 */

/**
 * @template Program
 * @typedef {object} UnpackedPackageOptions
 * @property {string} cacheDir
 * @property {string} name its folder in the cache
 * @property {string} wanted as in "no … on this machine"
 * @property {readonly string[]} packages the first that the archive has is taken
 * @property {readonly string[]} [also] further packages, which it is of no use without
 * @property {RegExp} family names of the dependencies that are taken along
 * @property {(unpacked: Unpacked) => Promise<Program | undefined>} find what was asked for, if it is there and runs
 * @property {string} howToInstall
 * @property {(line: string) => void} log
 */

/** A fetch takes seconds; what is this old was interrupted. */
const ABANDONED_MS = 3_600_000;

/**
 * A program from a package that was unpacked earlier, else from one fetched from the package archive now.
 *
 * @template Program
 * @param {UnpackedPackageOptions<Program>} options
 * @returns {Promise<Program>}
 * @throws with what to install when there is no way to one
 */
export async function fromUnpackedPackage({
  cacheDir,
  name,
  wanted,
  packages,
  also = [],
  family,
  find,
  howToInstall,
  log,
}) {
  const folder = path.join(cacheDir, name);
  const cached = async () => (existsSync(folder) ? find({ folder, env: librariesIn(folder) }) : undefined);
  const unpackedEarlier = await cached();
  if (unpackedEarlier) return unpackedEarlier;
  if (!hasApt()) throw new Error(howToInstall);
  log(`no ${wanted} on this machine: fetching one from the package archive (unpacked, not installed)`);
  mkdirSync(cacheDir, { recursive: true });
  const fetching = `${name}-fetch-`;
  for (const left of readdirSync(cacheDir).filter((entry) => entry.startsWith(fetching))) {
    const abandoned = Date.now() - statSync(path.join(cacheDir, left)).mtimeMs > ABANDONED_MS;
    if (abandoned) rmSync(path.join(cacheDir, left), { recursive: true, force: true });
  }
  const work = mkdtempSync(path.join(cacheDir, fetching));
  try {
    const unpacked = await fetchInto(work, packages, also, family);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
  } catch (error) {
    const fetchedMeanwhile = await cached();
    if (fetchedMeanwhile) return fetchedMeanwhile;
    throw new Error(`${howToInstall}\n${/** @type {Error} */ (error).message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const fetched = await cached();
  if (!fetched) throw new Error(`what was unpacked in ${folder} does not run. ${howToInstall}`);
  return fetched;
}

/**
 * @param {string} work an empty folder
 * @param {readonly string[]} names
 * @param {readonly string[]} also
 * @param {RegExp} family
 * @returns {Promise<string>} a folder in it with the unpacked files
 */
async function fetchInto(work, names, also, family) {
  const apt = await privateApt(work);
  // One source of several may be away; what counts is whether the packages can be had.
  const update = await apt('apt-get', 'update').then(
    () => '',
    (error) => `\n${error.message}`,
  );
  const unpacked = path.join(work, 'root');
  for (const name of names) {
    const packages = await packagesToRun(apt, name, family);
    if (packages.length === 0) continue;
    for (const other of also) packages.push(...(await packagesToRun(apt, other, family)));
    await apt('apt-get', 'download', ...new Set(packages));
    for (const file of readdirSync(work).filter((entry) => entry.endsWith('.deb'))) {
      await runToEnd('/usr/bin/dpkg', ['-x', path.join(work, file), unpacked]);
    }
    return unpacked;
  }
  throw new Error(`the package archive has no ${names.join(' and no ')}${update}`);
}

/**
 * Every folder with a shared library in it: the multiarch ones, and those that packages make for themselves.
 *
 * @param {string} folder
 * @returns {Record<string, string>}
 */
function librariesIn(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const folders = files.filter((file) => /\.so(\.|$)/.test(file.name)).map((file) => file.parentPath);
  return { LD_LIBRARY_PATH: [...new Set(folders)].join(':') };
}
