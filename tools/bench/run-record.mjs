// @ts-check

/**
 * @typedef {object} Run one contestant's turn
 * @property {string} contestant
 * @property {number} inFlight
 * @property {number} round
 * @property {number} lifecycles
 * @property {number} seconds
 * @property {number} perSecond
 * @property {import('./lifecycle-driver.mjs').Result['legs']} legs milliseconds
 * @property {Record<string, number> | undefined} cpuSecondsPer1000 by process; undefined where it cannot be told
 * @property {number} driverCpuSecondsPer1000 of this process: it is the same for all, and no contestant's
 * @property {number} commitsPerLifecycle
 * @property {number} redisCommandsPerLifecycle
 * @property {Record<string, number>} redisCommands per lifecycle, by command
 *
 * @typedef {object} Turn
 * @property {Pick<Run, 'contestant' | 'inFlight' | 'round'>} turn
 * @property {import('./lifecycle-driver.mjs').Result} result
 * @property {import('./resources.mjs').Usage} usage
 *
 * @param {Turn} turn
 * @returns {Promise<Run>}
 */
export async function runOf({ turn, result: { lifecycles, seconds, perSecond, legs }, usage }) {
  const { cpuMs, driverCpuMs, redisCommands } = usage;
  // Milliseconds a lifecycle are seconds a thousand.
  const perLifecycle = (/** @type {number} */ count) => count / lifecycles;
  return {
    ...turn,
    lifecycles,
    seconds,
    perSecond,
    legs,
    cpuSecondsPer1000: cpuMs && mapped(cpuMs, perLifecycle),
    driverCpuSecondsPer1000: perLifecycle(driverCpuMs),
    commitsPerLifecycle: perLifecycle(await usage.commits),
    redisCommandsPerLifecycle: perLifecycle(
      Object.values(redisCommands).reduce((sum, calls) => sum + calls, 0),
    ),
    redisCommands: mapped(redisCommands, perLifecycle),
  };
}

/** @param {Record<string, number>} record @param {(value: number) => number} change */
function mapped(record, change) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
