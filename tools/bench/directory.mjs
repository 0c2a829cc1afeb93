// @ts-check
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { freePort } from '../servers/free-port.mjs';
import { checkNodeVersion, ensureBuilt, ensureInstalled } from '../up/prepare.mjs';
import { startSystem } from '../up/system.mjs';

/**
 * `node tools/bench/directory.mjs [--users 50000 --groups 5000 --by bulk|posts --in-flight 8]`
 *
 * Loads a directory over SCIM through the front door, as a provider does: users with managers and departments, groups of
 * ten, and a group of 10,000, which is then patched one member at a time. Prints what each took, and the memory of
 * the service after it.
 */

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '50000' },
    groups: { type: 'string', default: '5000' },
    by: { type: 'string', default: 'bulk' },
    'in-flight': { type: 'string', default: '8' },
  },
});
const userCount = Number(values.users);
const groupCount = Number(values.groups);
const inFlight = Number(values['in-flight']);
if (!['bulk', 'posts'].includes(values.by) || ![userCount, groupCount, inFlight].every((n) => n > 0))
  throw new Error('--users, --groups and --in-flight are counts, --by is bulk or posts');

const scim = 'urn:ietf:params:scim';
const bulkSize = 1_000;
const largeGroup = Math.min(10_000, userCount);

checkNodeVersion(process.versions.node);
await ensureInstalled({ root, log: console.log });
await ensureBuilt({ root, log: console.log });

const dataDir = mkdtempSync(path.join(os.tmpdir(), 'countersign-directory-'));
const adminKey = `cs_live_${'bench'.repeat(9).slice(0, 43)}`;
/** @type {NodeJS.ProcessEnv} */
const env = {
  ...process.env,
  COUNTERSIGN_ADMIN_KEY: adminKey,
  COUNTERSIGN_RATE_LIMIT: '100000',
};
delete env.DATABASE_URL;
delete env.REDIS_URL;
const system = await startSystem({ root, dataDir, port: await freePort(), env, log: () => undefined });
const agent = new Agent({ connections: inFlight, pipelining: 1 });

/** @param {'POST' | 'PATCH'} method @param {string} route @param {unknown} body */
async function call(method, route, body) {
  const answer = await request(`${system.url}/scim/v2${route}`, {
    method,
    dispatcher: agent,
    headers: {
      'content-type': 'application/scim+json',
      authorization: `Bearer ${adminKey}`,
    },
    body: JSON.stringify(body),
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${route}: ${answer.statusCode} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** @param {readonly number[]} list @param {(n: number) => Promise<unknown>} work */
async function eachInFlight(list, work) {
  let next = 0;
  const worker = async () => {
    for (let n = list[next++]; n !== undefined; n = list[next++]) await work(n);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

/** MiB of resident memory of the service that has the directory (Linux). */
function memory() {
  const pid = system.services['approver-resolution']?.pid;
  const pages = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return `${Math.round(Number(pages) / 1024)} MiB`;
}

/** @param {string} what @param {number} count @param {() => Promise<unknown>} work */
async function timed(what, count, work) {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const rate = Math.round(count / seconds);
  console.log(`${what}: ${seconds.toFixed(1)} s, ${rate} a second, ${memory()} resident`);
}

const names = Array.from({ length: userCount }, (_, n) => `person-${n}@example.com`);
/** @param {number} n */
const user = (n) => ({
  schemas: [`${scim}:schemas:core:2.0:User`, `${scim}:schemas:extension:enterprise:2.0:User`],
  userName: names[n],
  externalId: `ext-${n}`,
  name: { givenName: 'Person', familyName: `${n}` },
  emails: [{ value: names[n], type: 'work', primary: true }],
  active: true,
  [`${scim}:schemas:extension:enterprise:2.0:User`]: {
    department: `Department ${n % 200}`,
    // Whoever is a multiple of ten times as small: there by then.
    ...(n >= 100 ? { manager: { value: names[Math.floor(n / 100)] } } : {}),
  },
});
/** @param {number} n */
const group = (n) => ({
  schemas: [`${scim}:schemas:core:2.0:Group`],
  displayName: `Group ${n}`,
  members: Array.from({ length: 10 }, (_, m) => ({ value: `ext-${(n * 10 + m) % userCount}` })),
});

/** @param {string} route @param {number} count @param {(n: number) => unknown} resource */
async function load(route, count, resource) {
  const all = Array.from({ length: count }, (_, n) => n);
  // Managers first: in one go nobody waits for them.
  const first = all.slice(0, Math.ceil(count / 100));
  for (const n of values.by === 'posts' ? first : []) await call('POST', route, resource(n));
  if (values.by === 'posts')
    return eachInFlight(all.slice(first.length), (n) => call('POST', route, resource(n)));
  for (let from = 0; from < count; from += bulkSize) {
    const { Operations } = await call('POST', '/Bulk', {
      schemas: [`${scim}:api:messages:2.0:BulkRequest`],
      Operations: all
        .slice(from, from + bulkSize)
        .map((n) => ({ method: 'POST', path: route, bulkId: `${n}`, data: resource(n) })),
    });
    const bad = Operations.find((/** @type {{ status: string }} */ { status }) => status !== '201');
    if (bad) throw new Error(JSON.stringify(bad));
  }
}

try {
  console.log(`idle: ${memory()} resident`);
  await timed(`${userCount} users by ${values.by}`, userCount, () => load('/Users', userCount, user));
  await timed(`${groupCount} groups of 10 by ${values.by}`, groupCount, () =>
    load('/Groups', groupCount, group),
  );
  /** @type {{ id: string }[]} */
  const large = [];
  await timed(`a group of ${largeGroup}`, 1, async () => {
    const members = names.slice(0, largeGroup - 1).map((value) => ({ value }));
    large.push(
      await call('POST', '/Groups?attributes=displayName', {
        ...group(0),
        displayName: 'Everybody',
        members,
      }),
    );
  });
  const patches = Array.from({ length: 1_000 }, (_, n) => n);
  await timed(`${patches.length} PATCHes of it`, patches.length, () =>
    eachInFlight(patches, (n) =>
      call('PATCH', `/Groups/${large[0]?.id}`, {
        schemas: [`${scim}:api:messages:2.0:PatchOp`],
        Operations:
          n % 2 === 0
            ? [{ op: 'add', path: 'members', value: [{ value: names.at(-1) }] }]
            : [{ op: 'remove', path: `members[value eq "${names.at(-1)}"]` }],
      }),
    ),
  );
} finally {
  await agent.destroy();
  await system.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
process.exit();
