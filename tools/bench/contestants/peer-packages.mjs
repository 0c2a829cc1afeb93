// @ts-check
import { ensureInstalled } from '../../up/prepare.mjs';

/**
 * Installs what the peers need, unless it is there.
 *
 * @param {{ folder: string, signal: AbortSignal, log: (line: string) => void }} options
 * @returns {Promise<Error | undefined>} why they cannot be had: without a registry, for one
 */
export async function installPackages({ folder, signal, log }) {
  try {
    await ensureInstalled({ root: folder, log: (line) => log(`peers: ${line}`), signal });
    return undefined;
  } catch (error) {
    return /** @type {Error} */ (error);
  }
}
