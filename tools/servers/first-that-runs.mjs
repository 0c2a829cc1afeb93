// @ts-check
import { existsSync } from 'node:fs';
import { runToEnd } from './run-to-end.mjs';

/**
 * @typedef {object} Binary
 * @property {string} command
 * @property {Record<string, string>} env what it needs to find its libraries
 */

/**
 * The first of these programs that is there and can say its version.
 *
 * @param {string[]} commands
 * @param {Record<string, string>} env
 * @returns {Promise<Binary | undefined>}
 */
export async function firstThatRuns(commands, env) {
  for (const command of commands.filter((each) => existsSync(each))) {
    const works = await runToEnd(command, ['--version'], { env: { ...process.env, ...env } }).then(
      () => true,
      () => false,
    );
    if (works) return { command, env };
  }
  return undefined;
}
