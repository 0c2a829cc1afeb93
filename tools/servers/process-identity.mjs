// @ts-check
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';

/**
 * @typedef {object} ProcessRecord
 * @property {number} pid
 * @property {string} identity
 */

/**
 * What tells this process from a later one with the same pid: boot and start time. Null when no such
 * process runs (a zombie does not run).
 *
 * @param {number} pid
 * @returns {string | null}
 */
export function processIdentity(pid) {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // proc_pid_stat(5): the command in parentheses may hold anything, so count from its end.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}:${fields[19]}`;
    } catch {
      return null;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null;
  }
}

/**
 * Notes a process that we started, so that a later start can find it if we are killed.
 *
 * @param {string} file
 * @param {number} pid
 */
export function recordProcess(file, pid) {
  writeFileSync(file, JSON.stringify({ pid, identity: processIdentity(pid) }), { mode: 0o600 });
}

/**
 * The recorded process, if it is still running and provably the one recorded.
 *
 * @param {string} file
 * @returns {ProcessRecord | null}
 */
export function recordedProcess(file) {
  try {
    const { pid, identity } = JSON.parse(readFileSync(file, 'utf8'));
    if (!Number.isInteger(pid) || pid <= 1 || typeof identity !== 'string') return null;
    return processIdentity(pid) === identity ? { pid, identity } : null;
  } catch {
    return null;
  }
}

/**
 * Ends the recorded process, if it still runs, and forgets the record.
 *
 * @param {string} file
 * @param {number} graceMs time between SIGTERM and SIGKILL
 * @returns {Promise<boolean>} whether there was one
 */
export async function endRecordedProcess(file, graceMs) {
  const left = recordedProcess(file);
  if (left) await endProcess(left, graceMs);
  rmSync(file, { force: true });
  return left !== null;
}

/**
 * @param {ProcessRecord} target
 * @param {number} graceMs
 */
async function endProcess({ pid, identity }, graceMs) {
  const runs = () => processIdentity(pid) === identity;
  for (const [signal, waitMs] of /** @type {const} */ ([
    ['SIGCONT', 0],
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ])) {
    if (!runs()) return;
    process.kill(pid, signal);
    for (const until = Date.now() + waitMs; runs() && Date.now() < until;) await pause(20);
  }
}

/**
 * Linux only (elsewhere empty): the processes that run in this folder. PostgreSQL's postmaster and
 * every backend work in the data directory, and nothing else has a reason to.
 *
 * @param {string} folder real path
 * @param {string} command what the command line must contain
 * @returns {number[]}
 */
export function processesWorkingIn(folder, command) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readlinkSync(`/proc/${name}/cwd`) === folder &&
          readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(command)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
