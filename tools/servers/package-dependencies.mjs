// @ts-check

/** What every Debian with Node.js on it has, and what must match the machine's loader. */
const PART_OF_THE_MACHINE = /^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1)$/;

/**
 * The package and what it needs to run when it is only unpacked; not what only an installation needs.
 *
 * @param {(command: string, ...args: string[]) => Promise<string>} apt
 * @param {string} name of the package
 * @param {RegExp} family names of the packages that are taken along
 * @returns {Promise<string[]>} empty when the archive does not have it
 */
export async function packagesToRun(apt, name, family) {
  const flags = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
    (kind) => `--no-${kind}`,
  );
  const listing = await apt('apt-cache', 'depends', '--recurse', ...flags, name).catch(() => '');
  return closure(parseDependencies(listing), name, family);
}

/**
 * @param {Map<string, string[]>} dependencies
 * @param {string} name
 * @param {RegExp} family
 * @returns {string[]}
 */
export function closure(dependencies, name, family) {
  /** @type {Set<string>} */
  const wanted = new Set();
  /** @param {string} each */
  const add = (each) => {
    if (wanted.has(each) || !dependencies.has(each)) return;
    wanted.add(each);
    for (const needed of dependencies.get(each) ?? []) {
      if (family.test(needed) && !PART_OF_THE_MACHINE.test(needed)) add(needed);
    }
  };
  add(name);
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
