// @ts-check
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from '../up/prepare.mjs';
import { readOptions } from './options.mjs';

/**
 * `npm run chaos [-- --minutes 3 --seed N]`
 *
 * Load, random strikes, and at the end the ledger over everything that was acknowledged. Ends with 0 when nothing is
 * wrong. The seed that is printed brings the same strikes again; what they meet on their way is never quite the same.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

const interrupted = new AbortController();
// npm passes the terminal's Ctrl-C on a second time: further signals change nothing.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));

try {
  const options = readOptions(process.argv.slice(2));
  const { signal } = interrupted;
  checkNodeVersion(process.versions.node);
  await ensureInstalled({ root, log: console.log, signal });
  await ensureBuilt({ root, log: console.log, signal });
  // Only now: they import packages.
  const { requireTypeScript } = await import('./typescript.mjs');
  /** @type {typeof import('./chaos')} */
  const { chaos } = requireTypeScript(import.meta.url)('./chaos.ts');
  process.exitCode = (await chaos({ ...options, root, signal, log: console.log })) ? 0 : 1;
} catch (error) {
  console.error(interrupted.signal.aborted ? interrupted.signal.reason.message : error);
  process.exitCode = 1;
} finally {
  // A request that was given up has timers left.
  process.exit();
}
