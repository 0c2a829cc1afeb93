// @ts-check
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, statSync } from 'node:fs';

/** `nobody` on Linux and macOS: PostgreSQL refuses to run as root, and no system user is created for it. */
const NOBODY = 65534;

/**
 * How a server is run: under another account when we are root, and told to end when we end.
 *
 * @typedef {object} ServerAccount
 * @property {(command: string, args: string[], onParentDeath?: 'INT' | 'TERM') => { command: string, args: string[], options: { uid?: number, gid?: number } }} command
 * @property {(path: string) => void} own gives a file or folder to the account
 */

/**
 * @param {string} dataFolder a data folder made earlier keeps its owner
 * @returns {ServerAccount}
 */
export function serverAccount(dataFolder) {
  const root = process.getuid?.() === 0;
  const tools = setprivAbilities();
  const uid = root ? (existsSync(dataFolder) && statSync(dataFolder).uid) || NOBODY : undefined;
  return {
    command(command, args, onParentDeath) {
      /** @type {string[]} */
      const flags = [];
      if (uid !== undefined && tools.ambientCapability) {
        flags.push(...asAccount(uid));
      }
      if (onParentDeath && tools.parentDeath) flags.push('--pdeathsig', onParentDeath);
      const options = uid !== undefined && !tools.ambientCapability ? { uid, gid: uid } : {};
      if (flags.length === 0) return { command, args, options };
      return { command: 'setpriv', args: [...flags, '--', command, ...args], options };
    },
    own(path) {
      if (uid !== undefined) chownSync(path, uid, uid);
    },
  };
}

/**
 * The same command under the account we have, told to end when we end (where the machine can).
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {{ command: string, args: string[] }}
 */
export function endingWithParent(command, args) {
  if (!setprivAbilities().parentDeath) return { command, args };
  return { command: 'setpriv', args: ['--pdeathsig', 'TERM', '--', command, ...args] };
}

/**
 * The project may lie below a folder that only root may enter (/root, a 0700 temporary folder), so of all
 * that root may do this one ability is kept. Without `no_setuid_fixup` access(2), by which initdb looks for
 * its programs, would not honour it: capabilities(7), "Effect of user ID changes on capabilities".
 *
 * @param {number} uid
 */
function asAccount(uid) {
  return [
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--securebits=+no_setuid_fixup',
  ];
}

/** @type {{ ambientCapability: boolean, parentDeath: boolean } | undefined} */
let abilities;

function setprivAbilities() {
  abilities ??= {
    ambientCapability: process.getuid?.() === 0 && works(...asAccount(NOBODY)),
    parentDeath: works('--pdeathsig', 'TERM'),
  };
  return abilities;
}

/** @param {string[]} flags */
function works(...flags) {
  return process.platform === 'linux' && spawnSync('setpriv', [...flags, '--', 'true']).status === 0;
}
