// @ts-check
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runToEnd } from './run-to-end.mjs';

/** Whether this is a machine that has a package archive of Debian's kind. */
export function hasApt() {
  return existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg');
}

/**
 * apt with the machine's sources, keys and proxies, but lists, caches and state of its own, and without
 * the machine's hooks (some of them clean the machine's own caches).
 *
 * @param {string} work an empty folder
 * @returns {Promise<(command: string, ...args: string[]) => Promise<string>>}
 */
export async function privateApt(work) {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'none']) {
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
