// @ts-check
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Runs a service by its own main, E2E_SERVICE says which, after something in it has been replaced. Shipped code knows
 * nothing of this: built modules are replaced in Node's cache before anybody requires them.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
export const require = createRequire(path.join(root, 'package.json'));

/**
 * @param {string} file a built module, as `require` finds it from the project
 * @param {(ours: any) => Record<string, unknown>} change what to export instead
 */
export function replaceModule(file, change) {
  const resolved = require.resolve(file);
  const ours = require(resolved);
  const cached = require.cache[resolved];
  if (!cached) throw new Error(`${file} is not in the cache`);
  cached.exports = { ...ours, ...change(ours) };
}

/** @param {import('@countersign/messaging').MessagingOptions['parts']} messagingParts */
export function replaceMessagingParts(messagingParts) {
  replaceModule('@countersign/service-kit', ({ runService }) => ({
    runService: (/** @type {object} */ options) => runService({ ...options, messagingParts }),
  }));
}

export const service = String(process.env.E2E_SERVICE);

export function runMain() {
  require(path.join(root, 'apps', service, 'dist', 'main.js'));
}
