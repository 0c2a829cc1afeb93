// @ts-check
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Looks at what a service could not handle, and sends it once more:
 *
 *   npm run dead-letters -- list [service]
 *   npm run dead-letters -- replay <service> <id>
 *
 * Works as the service's relay role, so it sees letters of every workspace and nothing else. Needs DATABASE_URL
 * and COUNTERSIGN_SECRET_KEY; a replayed letter leaves with the running service's next look into its outbox.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(path.join(root, 'package.json'));
const { consumers, schemaOf } = require('@countersign/contracts');
const { DeadLetters } = require('@countersign/messaging');
const { Database, roleOf, urlAs } = require('@countersign/persistence');

const usage = 'usage: npm run dead-letters -- list [service] | replay <service> <id>';
const [action, asked, id] = process.argv.slice(2);
/** @typedef {typeof consumers[number]} Service */
const service = consumers.find((/** @type {Service} */ name) => name === asked);
const { DATABASE_URL: databaseUrl, COUNTERSIGN_SECRET_KEY: secretKey } = process.env;

if (!databaseUrl || !secretKey) fail('DATABASE_URL and COUNTERSIGN_SECRET_KEY must be set');
if (asked !== undefined && !service) fail(`no such service: ${asked}\n${usage}`);

if (action === 'list') {
  for (const name of service ? [service] : consumers) {
    await withLetters(name, async (letters) => {
      for (const letter of await letters.list()) {
        console.log(
          `${name} ${letter.id} ${letter.failedAt.toISOString()} ${letter.type} after ${letter.attempts}: ${letter.error}`,
        );
      }
    });
  }
} else if (action === 'replay' && service && id) {
  await withLetters(service, async (letters) => {
    if (!(await letters.replay(id))) fail('there is no such dead letter, or it has been replayed');
    console.log('replayed');
  });
} else {
  fail(usage);
}

/**
 * @param {Service} name
 * @param {(letters: InstanceType<typeof DeadLetters>) => Promise<void>} work
 */
async function withLetters(name, work) {
  const schema = schemaOf[name];
  const url = urlAs(databaseUrl ?? '', secretKey ?? '', roleOf(schema, 'relay'));
  const database = await Database.connect({ url, schema, poolSize: 1, applicationName: 'dead letters' });
  try {
    await work(new DeadLetters(database, name));
  } finally {
    await database.close();
  }
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}
