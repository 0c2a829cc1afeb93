// @ts-check
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { root } from './one-service.mjs';
import { organisation } from './organisation.mjs';
import { quantile, resolveInside } from './resolve-inside.mjs';
import { startWholeSystem } from './whole-system.mjs';

/**
 * `node tools/bench/directory.mjs [--users 50000 --groups 5000 --by bulk|posts --in-flight 8] [--data folder] [--only
 * filters|resolve]`
 *
 * Loads a directory over SCIM through the front door, as a provider does: users with managers, absences and departments,
 * groups, groups of groups, delegations, and groups of 10 to 10,000 that are patched one member at a time. Prints what
 * each took, and the memory of the service after it; then what filters cost, and what resolving takes inside the service.
 * `--data` keeps the directory, and the next run with it loads nothing.
 */

const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '50000' },
    groups: { type: 'string', default: '5000' },
    by: { type: 'string', default: 'bulk' },
    'in-flight': { type: 'string', default: '8' },
    data: { type: 'string' },
    only: { type: 'string' },
  },
});
const userCount = Number(values.users);
const groupCount = Number(values.groups);
const inFlight = Number(values['in-flight']);
if (!['bulk', 'posts'].includes(values.by) || ![userCount, groupCount, inFlight].every((n) => n > 0))
  throw new Error('--users, --groups and --in-flight are counts, --by is bulk or posts');

const scim = 'urn:ietf:params:scim';
/** More groups, named for their size. */
const sizes = [1_000, 10_000].filter((size) => size < userCount);
const bulkSize = 1_000;
const times = 100;
const patches = 200;
const people = organisation(userCount, groupCount);

const system = await startWholeSystem({ env: { COUNTERSIGN_RATE_LIMIT: '100000' }, dataDir: values.data });
const { adminKey } = system;
const agent = new Agent({ connections: inFlight, pipelining: 1 });

/** @param {'GET' | 'POST' | 'PATCH'} method @param {string} route @param {unknown} [body] */
async function call(method, route, body) {
  const headers = {
    'content-type': route.startsWith('/scim/') ? 'application/scim+json' : 'application/json',
    authorization: `Bearer ${adminKey}`,
    // What the front door did not wait for is asked for again, and done once.
    ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
  };
  for (let tries = 1; ; tries++) {
    const answer = await request(`${system.url}${route}`, {
      method,
      dispatcher: agent,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      bodyTimeout: 0,
      headersTimeout: 0,
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return text === '' ? null : JSON.parse(text);
    if ((answer.statusCode !== 503 && answer.statusCode !== 409) || tries === 10)
      throw new Error(`${method} ${route}: ${answer.statusCode} ${text}`);
  }
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

/** @param {string} route @param {number} count @param {(n: number) => unknown} resource */
async function load(route, count, resource) {
  const all = Array.from({ length: count }, (_, n) => n);
  // Managers first: in one go nobody waits for them.
  const first = all.slice(0, Math.ceil(count / 100));
  for (const n of values.by === 'posts' ? first : []) await call('POST', `/scim/v2${route}`, resource(n));
  if (values.by === 'posts')
    return eachInFlight(all.slice(first.length), (n) => call('POST', `/scim/v2${route}`, resource(n)));
  for (let from = 0; from < count; from += bulkSize) {
    const { Operations } = await call('POST', '/scim/v2/Bulk', {
      schemas: [`${scim}:api:messages:2.0:BulkRequest`],
      Operations: all
        .slice(from, from + bulkSize)
        .map((n) => ({ method: 'POST', path: route, bulkId: `${n}`, data: resource(n) })),
    });
    const bad = Operations.find((/** @type {{ status: string }} */ { status }) => status !== '201');
    if (bad) throw new Error(JSON.stringify(bad));
  }
}

/** @param {number} size */
const sized = async (size) => {
  const { id } = await call('POST', '/scim/v2/Groups?attributes=displayName', {
    schemas: [`${scim}:schemas:core:2.0:Group`],
    displayName: `Crowd of ${size}`,
    members: Array.from({ length: size }, (_, n) => ({ value: people.name(n) })),
  });
  return /** @type {string} */ (id);
};

const outsider = people.name(userCount - 1);
/** Adds and removes somebody, in turns. @param {string} id */
const patchesOf = (id) =>
  eachInFlight(
    Array.from({ length: patches }, (_, n) => n),
    (n) =>
      call('PATCH', `/scim/v2/Groups/${id}`, {
        schemas: [`${scim}:api:messages:2.0:PatchOp`],
        Operations:
          n % 2 === 0
            ? [{ op: 'add', path: 'members', value: [{ value: outsider }] }]
            : [{ op: 'remove', path: `members[value eq "${outsider}"]` }],
      }),
  );

const filters = (/** @type {string} */ userId) => [
  ['Users', 'userName eq "PERSON-4711@example.com"'],
  ['Users', 'externalId eq "ext-4711"'],
  ['Users', 'emails[type eq "work"].value eq "person-4711@example.com"'],
  ['Users', 'emails.value eq "person-4711@example.com"'],
  ['Users', 'emails eq "person-4711@example.com"'],
  ['Users', 'name.familyName eq "Family 4711"'],
  ['Users', 'displayName eq "Person 4711"'],
  ['Users', 'displayName co "on 4711"'],
  ['Users', 'displayName sw "Person 4711"'],
  ['Users', 'userName sw "person-4711"'],
  ['Users', 'active eq false'],
  ['Users', 'meta.lastModified gt "2100-01-01T00:00:00Z"'],
  ['Users', `${scim}:schemas:extension:enterprise:2.0:User:department eq "Department 42"`],
  ['Users', `groups.value eq "${userId}"`],
  ['Groups', 'displayName eq "Group 1234"'],
  ['Groups', 'externalId eq "none"'],
  ['Groups', 'displayName co "up 1234"'],
  ['Groups', `members.value eq "${userId}"`],
  ['Groups', `members[value eq "${userId}"]`],
];

const row = (/** @type {unknown[]} */ cells) => console.log(`| ${cells.join(' | ')} |`);
const ms = (/** @type {number} */ value) => value.toFixed(1);

async function timeFilters() {
  const { Resources } = await call(
    'GET',
    `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${people.name(4711 % userCount)}"`)}`,
  );
  row(['filter', 'found', 'p50 ms', 'p99 ms']);
  row(['---', '---', '---', '---']);
  for (const [type, filter] of filters(Resources[0].id)) {
    const route = `/scim/v2/${type}?count=10&excludedAttributes=members&filter=${encodeURIComponent(filter ?? '')}`;
    const list = [];
    let found = 0;
    for (let n = 0; n < 30; n++) {
      const start = performance.now();
      found = (await call('GET', route)).totalResults;
      list.push(performance.now() - start);
    }
    row([`${type}: \`${filter}\``, found, ms(quantile(list, 0.5)), ms(quantile(list, 0.99))]);
  }
}

async function timeResolving() {
  const { workspace } = await call('GET', '/v1/whoami');
  const { Resources } = await call(
    'GET',
    `/scim/v2/Users?count=100&attributes=userName,displayName&filter=${encodeURIComponent('userName sw "person-50"')}`,
  );
  // Nobody's manager: the requester is never asked.
  const requester = Resources.at(-1);
  /** @type {string[]} */
  const low = Resources.map((/** @type {{ id: string }} */ { id }) => id);
  // Only the server stays: what is measured shares the machine with nobody but it.
  await Promise.all(Object.values(system.services).map((service) => service.stop()));
  const someone = (/** @type {number} */ n) => people.name((n * 7919) % userCount);
  const of = (/** @type {number} */ n) => low[n % low.length];
  const user = (/** @type {number} */ n, by = 'payload.owner') => ({ user: someone(n), by });
  const limit = (/** @type {number} */ levels) => levels * 1_000;
  const webhook = { webhook: { url: 'https://erp.example.com/approvers', format: 'easylife' } };
  row(['sources', 'people', 'fastest ms', 'p50 ms', 'p99 ms', 'CPU ms', 'ms each, in packs of 50']);
  row(['---', '---', '---', '---', '---', '---', '---']);
  await resolveInside({
    root,
    databaseUrl: system.databaseUrl,
    secretKey: system.secretKey,
    workspaceId: workspace.id,
    requester,
    times,
    cases: [
      { name: 'user', sources: (n) => [{ user: someone(n) }] },
      { name: 'field', sources: (n) => [user(n)] },
      {
        name: 'expression, 20 users',
        sources: (n) => Array.from({ length: 20 }, (_, m) => user(n * 20 + m, 'an expression')),
      },
      { name: 'group of 10', sources: (n) => [{ group: `Group ${n % people.plainGroups}` }] },
      { name: 'group of groups of groups', sources: () => [{ group: `Group ${people.groupOfGroups}` }] },
      { name: 'role', sources: () => [{ role: 'auditor' }] },
      { name: 'role of 100', sources: () => [{ role: 'controller' }] },
      { name: 'manager', sources: (n) => [{ manager: { of: of(n), levels: 1 } }] },
      { name: '20 levels of managers', sources: (n) => [{ manager: { of: of(n), levels: 20 } }] },
      {
        name: 'up to a limit, 2 levels',
        sources: (n) => [{ manager: { of: of(n), untilLimit: limit(50) } }],
      },
      {
        name: 'up to a limit, 40 levels',
        sources: (n) => [{ manager: { of: of(n), untilLimit: limit(90) } }],
      },
      {
        name: 'webhook, 100 refs',
        sources: () => [webhook],
        refs: (n) => Array.from({ length: 100 }, (_, m) => someone(n * 100 + m)),
      },
      ...sizes.map((size) => ({
        name: `group of ${size}`,
        sources: () => [{ group: `Crowd of ${size}` }],
        times: 50,
      })),
    ],
    told: ({ name, people: asked, fastest, p50, p99, cpu, packed }) =>
      row([name, asked, ...[fastest, p50, p99, cpu, packed].map(ms)]),
  });
}

async function timeLoading() {
  console.log(`idle: ${memory()} resident`);
  await timed(`${userCount} users by ${values.by}`, userCount, () => load('/Users', userCount, people.user));
  await timed(`${groupCount} groups of 10 by ${values.by}`, groupCount, () =>
    load('/Groups', groupCount, people.group),
  );
  await timed(`${people.delegations.length} delegations`, people.delegations.length, () =>
    eachInFlight(
      people.delegations.map((_, n) => n),
      (n) => call('POST', '/v1/delegations', people.delegations[n]),
    ),
  );
  for (const size of [10, ...sizes]) {
    let id = '';
    await timed(`a group of ${size}`, 1, async () => {
      id = await sized(size);
    });
    await timed(`${patches} PATCHes of it`, patches, () => patchesOf(id));
  }
}

try {
  if (system.firstStart) await timeLoading();
  if (values.only !== 'resolve') await timeFilters();
  if (values.only !== 'filters') await timeResolving();
} finally {
  await agent.destroy();
  await system.stop();
}
process.exit();
