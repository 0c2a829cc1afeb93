// @ts-check
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from '../up/prepare.mjs';
import { readOptions } from './options.mjs';

/**
 * `npm run bench [-- --peers floor,bullmq,dbos,restate --in-flight 4,64,256 --lifecycles 2000 --rounds 2 --warm-up 300 --json FILE]`
 *
 * The lifecycle of a request at several loads: Countersign as `npm start` runs it, beside what one would take instead
 * on the same PostgreSQL, in turns. Read the ratios: absolute figures say more about the machine.
 *
 * `--peers` may leave peers out (`--peers floor`); their packages are installed by the first run that needs them, and
 * a peer that cannot be had is reported as absent. Commits are counted 10 s after a run, so fewer than about 1,000
 * lifecycles show idle polling, too.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const options = readOptions(process.argv.slice(2));

checkNodeVersion(process.versions.node);
await ensureInstalled({ root, log: console.log });
await ensureBuilt({ root, log: console.log });

const { bench } = await import('./bench.mjs');
const { summarize, tables } = await import('./report.mjs');

const stop = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));

try {
  const { runs, absent } = await bench(options, { root, signal: stop.signal, log: console.log });
  const summary = summarize(runs);
  console.log(`\n${tables(summary)}`);
  for (const { name, reason } of absent) console.log(`absent: ${name} (${reason.split('\n')[0]})`);
  if (options.json) {
    const machine = {
      cpu: os.cpus()[0]?.model,
      cpus: os.availableParallelism(),
      platform: `${os.platform()} ${os.arch()}`,
      node: process.versions.node,
    };
    const report = { at: new Date().toISOString(), machine, options, absent, summary, runs };
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
} catch (error) {
  console.error(stop.signal.aborted ? stop.signal.reason.message : error);
  process.exitCode = 1;
} finally {
  // A lifecycle that was given up has timers left.
  process.exit();
}
