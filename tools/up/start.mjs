// @ts-check
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from './prepare.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const dataDir = path.resolve(root, process.env.COUNTERSIGN_DATA || '.countersign');

/** @param {string} line */
const log = (line) => console.log(line);

const giveUp = new AbortController();
/** @type {import('./system.mjs').System | undefined} */
let system;
/** @type {Promise<void> | undefined} */
let ending;

// npm passes the terminal's Ctrl-C on a second time: once asked to stop, further signals change nothing.
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (ending || giveUp.signal.aborted) return;
    log('stopping');
    if (system) ending = end(system);
    else giveUp.abort(new Error('stopped while starting'));
  });
}

try {
  await start();
} catch (error) {
  if (!giveUp.signal.aborted) console.error(`\n${/** @type {Error} */ (error).message}`);
  process.exit(giveUp.signal.aborted ? 0 : 1);
}

async function start() {
  const { signal } = giveUp;
  checkNodeVersion(process.versions.node);
  await ensureInstalled({ root, log, signal });
  await ensureBuilt({ root, log, signal });
  // Only now: it imports packages.
  const { startSystem } = await import('./system.mjs');
  const started = await startSystem({ root, dataDir, log, signal });
  system = started;
  if (process.env.COUNTERSIGN_DEMO !== '0') await seed(started);
  if (ending) return;
  describe(started);
  log(`ready on ${started.url}`);
}

/** @param {import('./system.mjs').System} started */
async function seed({ url, adminKey }) {
  const { once } = await import('./data-folder.mjs');
  const { seedDemo } = await import('./demo.mjs');
  const seeded = once(dataDir, 'demo');
  if (seeded.done() || !adminKey) return;
  try {
    await seedDemo({ url, adminKey });
    seeded.mark();
  } catch (error) {
    log(`the demo people and workflow could not be made: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {import('./system.mjs').System} started */
function describe({ url, adminKey, firstStart, services, postgres, redis }) {
  const printable = process.env.COUNTERSIGN_ADMIN_KEY ? null : firstStart && adminKey;
  const rows = [
    ['API', `${url}/v1   (reference: ${url}/docs)`],
    ['mail', process.env.SMTP_URL ? 'by SMTP_URL' : `${url}/dev/mail`],
    ['data and logs', dataDir],
    ['PostgreSQL', postgres ? `127.0.0.1:${postgres.port}` : 'DATABASE_URL'],
    ['Redis', redis ? `127.0.0.1:${redis.port}` : 'REDIS_URL'],
    ...Object.entries(services).map(([name, { url: at, pid }]) => [name, `${at} (pid ${pid})`]),
  ];
  log('');
  for (const [name, value] of rows) log(`  ${String(name).padEnd(20)} ${value}`);
  if (printable) {
    log('');
    log(`  admin key (shown this once): ${printable}`);
  }
  log('');
  log('  Try it:');
  log('');
  log(tryIt(url, printable || (process.env.COUNTERSIGN_ADMIN_KEY ? '$COUNTERSIGN_ADMIN_KEY' : '$KEY')));
  log('');
}

/**
 * @param {string} url
 * @param {string} key
 */
function tryIt(url, key) {
  const body = `{"workflow":"purchase-order","title":"30 laptops","requester":"alice@example.com","payload":{"amount":45000,"department":"IT","region":"EMEA"}}`;
  return [
    `  curl -s ${url}/v1/requests \\`,
    `    -H "Authorization: Bearer ${key}" \\`,
    `    -H "Content-Type: application/json" \\`,
    `    -d '${body}'`,
  ].join('\n');
}

/** @param {import('./system.mjs').System} running */
async function end(running) {
  try {
    await running.stop();
    log('stopped; nothing is lost');
    process.exit(0);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
