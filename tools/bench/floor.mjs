// @ts-check
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { Agent, request } from 'undici';

/**
 * The floor: the same lifecycle in one process with raw `pg`, one commit a transition and no queue, outbox or audit
 * service. What it loses in a crash is what the rest of the price is paid for. Runs as a process of its own:
 * `node floor.mjs` with DATABASE_URL, and prints its port.
 */

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const agent = new Agent({ connections: 300 });

await pool.query(`
  DROP SCHEMA IF EXISTS floor CASCADE;
  CREATE SCHEMA floor;
  CREATE TABLE floor.person (id uuid PRIMARY KEY, manager_id uuid);
  CREATE TABLE floor.request (id uuid PRIMARY KEY, state text NOT NULL, payload jsonb NOT NULL, hook text NOT NULL);
  CREATE TABLE floor.task (id uuid PRIMARY KEY, request_id uuid NOT NULL, assignee uuid NOT NULL, state text NOT NULL);
  CREATE TABLE floor.audit (id bigserial PRIMARY KEY, request_id uuid NOT NULL, type text NOT NULL, at timestamptz NOT NULL DEFAULT now());
`);
const manager = randomUUID();
const requester = randomUUID();
await pool.query('INSERT INTO floor.person VALUES ($1, NULL), ($2, $1)', [manager, requester]);

/** @param {(client: pg.PoolClient) => Promise<void>} work */
async function transaction(work) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await work(client);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

/** @param {string} hook @param {unknown} body */
async function tell(hook, body) {
  const answer = await request(hook, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await answer.body.dump();
}

/** @param {{ amount: number, hook: string }} body */
async function submit({ amount, hook }) {
  const id = randomUUID();
  await transaction(async (client) => {
    await client.query('INSERT INTO floor.request VALUES ($1, $2, $3, $4)', [
      id,
      'submitted',
      { amount },
      hook,
    ]);
    await client.query('INSERT INTO floor.audit (request_id, type) VALUES ($1, $2)', [id, 'request.created']);
  });
  void route(id, amount, hook);
  return { id };
}

/** @param {string} id @param {number} amount @param {string} hook */
async function route(id, amount, hook) {
  const taskId = randomUUID();
  await transaction(async (client) => {
    const needsApproval = amount > 100;
    if (!needsApproval) throw new Error('not in this bench');
    const { rows } = await client.query('SELECT manager_id FROM floor.person WHERE id = $1', [requester]);
    await client.query('INSERT INTO floor.task VALUES ($1, $2, $3, $4)', [
      taskId,
      id,
      rows[0].manager_id,
      'open',
    ]);
    await client.query('UPDATE floor.request SET state = $2 WHERE id = $1', [id, 'pending_review']);
    await client.query('INSERT INTO floor.audit (request_id, type) VALUES ($1, $2)', [id, 'task.assigned']);
  });
  await tell(hook, { type: 'task.assigned', data: { request: { id }, task: { id: taskId } } });
}

/** @param {string} taskId */
async function decide(taskId) {
  let id = '';
  let hook = '';
  await transaction(async (client) => {
    const { rows } = await client.query(
      `UPDATE floor.task SET state = 'approved' WHERE id = $1 AND state = 'open' RETURNING request_id`,
      [taskId],
    );
    id = rows[0].request_id;
    const updated = await client.query(
      `UPDATE floor.request SET state = 'completed' WHERE id = $1 RETURNING hook`,
      [id],
    );
    hook = updated.rows[0].hook;
    await client.query('INSERT INTO floor.audit (request_id, type) VALUES ($1, $2)', [
      id,
      'request.completed',
    ]);
  });
  void tell(hook, { type: 'request.completed', data: { request: { id } } });
  return { id };
}

const server = createServer((incoming, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  incoming.on('data', (chunk) => chunks.push(chunk));
  incoming.on('end', async () => {
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
    const task = /^\/tasks\/([^/]+)$/.exec(incoming.url ?? '')?.[1];
    const answer = task ? await decide(task) : await submit(body);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(port);
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
