// @ts-check

/**
 * What has to be undone, last first. `run` may be called again: it undoes what was added since.
 *
 * @typedef {{ add: (cleanUp: () => unknown) => void, run: () => Promise<void> }} CleanUps
 *
 * @returns {CleanUps}
 */
export function createCleanUps() {
  /** @type {(() => unknown)[]} */
  const list = [];
  return {
    add: (cleanUp) => void list.push(cleanUp),
    async run() {
      /** @type {unknown[]} */
      const failures = [];
      for (let next = list.pop(); next; next = list.pop()) {
        try {
          await next();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped');
    },
  };
}
