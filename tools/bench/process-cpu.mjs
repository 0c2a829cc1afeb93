// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: 100 a second on every Linux that Node.js runs on. time(7) */
const MS_PER_TICK = 10;

/** @typedef {{ parent: number, cpuMs: number }} ProcessTime */

/**
 * @param {string} stat of `/proc/<pid>/stat`
 * @returns {ProcessTime} user and system time, with that of children that have ended and been waited for
 */
export function parseProcessStat(stat) {
  // proc_pid_stat(5): the command in parentheses may hold anything, so count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1]), cpuMs: (utime + stime + cutime + cstime) * MS_PER_TICK };
}

/**
 * The CPU time that processes have used so far, their children's included: PostgreSQL works in those.
 *
 * @param {Record<string, number | undefined>} pids
 * @returns {Record<string, number> | undefined} milliseconds by name; undefined where there is no /proc
 */
export function cpuOfProcesses(pids) {
  if (process.platform !== 'linux') return undefined;
  const times = processTimes();
  /** @param {number | undefined} pid @returns {number} */
  const total = (pid) => {
    if (pid === undefined) return 0;
    const children = [...times].filter(([, { parent }]) => parent === pid);
    return children.reduce((sum, [child]) => sum + total(child), times.get(pid)?.cpuMs ?? 0);
  };
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, total(pid)]));
}

function processTimes() {
  /** @type {Map<number, ProcessTime>} */
  const times = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      times.set(Number(entry), parseProcessStat(readFileSync(`/proc/${entry}/stat`, 'utf8')));
    } catch {
      // It ended since the folder was listed.
    }
  }
  return times;
}
