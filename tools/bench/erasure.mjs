// @ts-check
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { request } from 'undici';
import { startWholeSystem } from './whole-system.mjs';

/**
 * `node tools/bench/erasure.mjs [--requests 100000] [--plans]`
 *
 * Erases a person with that many requests, all services running: one request goes through them, and its rows are copied in their
 * tables, each copy with ids of its own. Prints how long it takes and what it changes; with `--plans`, how the log is searched.
 */

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, plans: { type: 'boolean', default: false } },
});
const count = Number(values.requests);
if (!(count > 0)) throw new Error('--requests is a count');
/** Copies that one statement makes. */
const atOnce = 5_000;

const system = await startWholeSystem({ env: { COUNTERSIGN_DEMO: '0' } });
const { adminKey } = system;
const owner = new pg.Client({ connectionString: system.databaseUrl });
await owner.connect();

/** @param {'GET' | 'POST'} method @param {string} route @param {unknown} [body] @param {string} [actor] */
async function call(method, route, body, actor) {
  const answer = await request(`${system.url}${route}`, {
    method,
    headers: {
      authorization: `Bearer ${adminKey}`,
      'content-type': route.startsWith('/scim/') ? 'application/scim+json' : 'application/json',
      ...(actor ? { 'countersign-actor': actor } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${route}: ${answer.statusCode} ${text}`);
  return JSON.parse(text);
}

/** @template T @param {() => Promise<T | null | undefined | false>} look @param {number} everyMs @returns {Promise<T>} */
async function until(look, everyMs) {
  for (;;) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** What mails and messages became of is still to be told in the log after a request has ended: copies must not take its place. */
async function atRest() {
  let [size, since] = [0, Date.now()];
  await until(async () => {
    const { rows } = await owner.query('SELECT count(*)::int AS size FROM audit.entry');
    if (rows[0].size !== size) [size, since] = [rows[0].size, Date.now()];
    return Date.now() - since > 5_000;
  }, 250);
}

/** @param {string} name @param {string} [manager] */
const user = (name, manager) =>
  call('POST', '/scim/v2/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName: `${name}@example.com`,
    displayName: name,
    emails: [{ value: `${name}@example.com`, primary: true }],
    ...(manager
      ? { 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: { value: manager } } }
      : {}),
  });

/** Tables with rows of a request: where its id stands, and which ids each copy must have of its own. */
const tables = [
  { name: 'intake.request', key: 'id', own: [] },
  { name: 'intake.request_payload', key: 'request_id', own: [] },
  { name: 'intake.request_event', key: 'request_id', own: [] },
  { name: 'intake.task', key: 'request_id', own: ['id'] },
  { name: 'routing.request', key: 'id', own: [] },
  { name: 'routing.request_payload', key: 'request_id', own: [] },
  { name: 'approver_resolution.resolution', key: 'request_id', own: ['id'] },
  { name: 'notification.request_payload', key: 'request_id', own: [] },
  { name: 'notification.mail', key: 'request_id', own: ['id', 'event_id'] },
  { name: 'audit.request_payload', key: 'request_id', own: [] },
  { name: 'audit.transition', key: 'request_id', own: [] },
];

try {
  const boss = await user('boss');
  const person = await user('person', boss.id);
  await call('POST', '/v1/workflows', {
    key: 'purchase',
    stages: [{ key: 'manager', approvers: [{ manager: { levels: 1 } }] }],
  });
  await call('POST', '/v1/workflows/purchase/versions/1/publish', {});
  const { id } = await call('POST', '/v1/requests', {
    workflow: 'purchase',
    title: 'Two laptops for person@example.com',
    reason: 'The old ones broke',
    requester: person.id,
    payload: { amount: 4200, department: 'IT', region: 'EMEA', note: 'a payload of usual size '.repeat(10) },
    externalRef: 'PO-4711',
  });
  const task = await until(async () => {
    const { stages } = await call('GET', `/v1/requests/${id}`);
    return stages[0].tasks[0];
  }, 50);
  await call('POST', `/v1/tasks/${task.id}/decision`, { decision: 'approve', comment: 'Fine' }, boss.id);
  await until(async () => {
    const { rows } = await owner.query(
      `SELECT 1 FROM audit.entry WHERE request_id = $1 AND type = 'request.completed'`,
      [id],
    );
    return rows.length > 0;
  }, 50);
  await atRest();

  const seeding = Date.now();
  await owner.query('SET session_replication_role = replica');
  await owner.query('SET synchronous_commit = off');
  const [{ entries: size }] = (
    await owner.query('SELECT count(*)::int AS entries FROM audit.entry WHERE request_id = $1', [id])
  ).rows;
  const [{ after }] = (await owner.query('SELECT max(index)::int + 1 AS after FROM audit.entry')).rows;
  for (let from = 1; from < count; from += atOnce) {
    const to = Math.min(count - 1, from + atOnce - 1);
    await owner.query(
      `CREATE TEMP TABLE copy ON COMMIT PRESERVE ROWS AS SELECT n, gen_random_uuid() AS id FROM generate_series($1::int, $2::int) AS n`,
      [from, to],
    );
    for (const { name, key, own } of tables) {
      const ids =
        own.length > 0
          ? ` || jsonb_build_object(${own.map((one) => `'${one}', gen_random_uuid()`).join(', ')})`
          : '';
      await owner.query(
        `INSERT INTO ${name} SELECT made.* FROM ${name} r CROSS JOIN copy
          CROSS JOIN LATERAL jsonb_populate_record(NULL::${name}, replace(to_jsonb(r)::text, $1::text, copy.id::text)::jsonb${ids}) AS made
          WHERE r.${key} = $1::uuid`,
        [id],
      );
    }
    // In the order of the copies: what a person has sealed is spread over the log.
    await owner.query(
      `WITH old AS (SELECT e.*, row_number() OVER (ORDER BY index) - 1 AS nth FROM audit.entry e WHERE request_id = $1),
            added AS (
         INSERT INTO audit.entry (workspace_id, index, id, type, at, actor_id, request_id, request_version, task_id, workflow_key, content, leaf_hash)
         SELECT o.workspace_id, $2::bigint + (copy.n - 1)::bigint * $3 + o.nth, gen_random_uuid(), o.type, o.at, o.actor_id, copy.id,
                o.request_version, o.task_id, o.workflow_key, o.content, o.leaf_hash
           FROM old o CROSS JOIN copy)
       INSERT INTO audit.sealed (workspace_id, index, position, subject, kind, commitment, salt, data)
       SELECT s.workspace_id, $2::bigint + (copy.n - 1)::bigint * $3 + o.nth, s.position, s.subject, s.kind, s.commitment, s.salt, s.data
         FROM old o JOIN audit.sealed s ON s.workspace_id = o.workspace_id AND s.index = o.index CROSS JOIN copy`,
      [id, after, size],
    );
    await owner.query('DROP TABLE copy');
  }
  // As many roots as a log of this size has; nobody verifies it here.
  const total = BigInt(after) + BigInt(count - 1) * BigInt(size);
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(total);
  const roots = [...total.toString(2)].filter((bit) => bit === '1').length;
  await owner.query('UPDATE audit.log_head SET frontier = $1', [
    Buffer.concat([head, randomBytes(32 * roots)]),
  ]);
  // An erasure meets tables that are known to be large, those of analytics too, which read the log meanwhile.
  await until(async () => {
    const { rows: read } = await owner.query('SELECT next_index FROM audit.analytics_position');
    return read.some((row) => BigInt(row.next_index) >= total);
  }, 500);
  await owner.query('ANALYZE');
  const rows = (
    await owner.query('SELECT count(*)::int AS count FROM audit.sealed WHERE subject = $1', [person.id])
  ).rows[0].count;
  console.log(
    `${count} requests of one person, ${total} entries of the log, ${rows} sealed for the person; made in ${seconds(seeding)}`,
  );

  if (values.plans) {
    for (const [name, text, parameters] of plans(person.id)) {
      const { rows: plan } = await owner.query(
        `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) ${text}`,
        parameters,
      );
      console.log(`\n${name}\n${plan.map((row) => `  ${row['QUERY PLAN']}`).join('\n')}`);
    }
  }

  const began = Date.now();
  const asked = await call('POST', '/v1/audit/erasures', { subject: person.id, reason: 'A benchmark' });
  console.log(`\nanswered after ${seconds(began)}: ${asked.state}`);
  let sealedAt = 0;
  const done = await until(async () => {
    const now = await call('GET', `/v1/audit/erasures/${asked.id}`);
    if (sealedAt === 0 && now.requests.total === count && now.requests.erased > 0) sealedAt = Date.now();
    return now.state === 'done' ? now : null;
  }, 500);
  console.log(`what is sealed in the log was gone within ${((sealedAt - began) / 1_000).toFixed(1)} s`);
  console.log(
    `done after ${seconds(began)}: ${JSON.stringify(done.requests)} ${JSON.stringify(done.services, null, 1)}`,
  );
} finally {
  await owner.end();
  await system.stop();
}

/** @param {number} since */
function seconds(since) {
  return `${((Date.now() - since) / 1_000).toFixed(1)} s`;
}

/** The statements of apps/audit/src/erasures/erasure.rows.ts that go through the log. @param {string} subject @returns {[string, string, unknown[]][]} */
function plans(subject) {
  const workspace = `(SELECT workspace_id FROM audit.log_head LIMIT 1)`;
  return [
    [
      'the next entries with something sealed for the person',
      `SELECT max(index), count(*) FROM (SELECT index FROM audit.sealed WHERE workspace_id = ${workspace} AND subject = $1 AND index > 100000 ORDER BY index LIMIT 2000) s`,
      [subject],
    ],
    [
      'their requests, with the newest snapshot of each',
      `SELECT r.request_id, newest.snapshot ->> 'state'
         FROM (SELECT DISTINCT e.request_id FROM audit.sealed s JOIN audit.entry e ON e.workspace_id = s.workspace_id AND e.index = s.index
                WHERE s.workspace_id = ${workspace} AND s.subject = $1 AND s.index > 100000 AND s.index <= 101500) r
        CROSS JOIN LATERAL (SELECT snapshot FROM audit.transition t WHERE t.request_id = r.request_id ORDER BY t.request_version DESC LIMIT 1) newest`,
      [subject],
    ],
  ];
}
