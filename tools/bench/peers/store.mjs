// @ts-check
import pg from 'pg';

/**
 * The business tables that every peer keeps in PostgreSQL, the same as the floor's. The statements may be run
 * again: DBOS and Restate repeat a step whose outcome was not recorded before a crash.
 *
 * @typedef {{ query: (text: string, values?: unknown[]) => Promise<{ rows: any[] }> }} Database a pool or one of its clients
 *
 * @typedef {object} Store
 * @property {pg.Pool} pool
 * @property {<T>(work: (client: Database) => Promise<T>) => Promise<T>} transaction
 */

const MANAGER = '00000000-0000-4000-8000-000000000001';
/** Asks in every lifecycle; resolves to one approver. */
export const REQUESTER = '00000000-0000-4000-8000-000000000002';

/**
 * @param {string} connectionString of a database of this peer alone
 * @returns {Promise<Store>}
 */
export async function openStore(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 });
  await pool.query(`
    CREATE TABLE person (id uuid PRIMARY KEY, manager_id uuid);
    CREATE TABLE request (id uuid PRIMARY KEY, state text NOT NULL, payload jsonb NOT NULL, hook text NOT NULL);
    CREATE TABLE task (id text PRIMARY KEY, request_id uuid NOT NULL, assignee uuid NOT NULL, state text NOT NULL);
    CREATE TABLE audit (
      request_id uuid, type text, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (request_id, type)
    );
  `);
  await pool.query('INSERT INTO person VALUES ($1, NULL), ($2, $1)', [MANAGER, REQUESTER]);
  return {
    pool,
    async transaction(work) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        const result = await work(client);
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    },
  };
}

/** @param {Database} database @param {{ id: string, amount: number, hook: string }} request */
export async function insertRequest(database, { id, amount, hook }) {
  await database.query('INSERT INTO request VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [
    id,
    'submitted',
    { amount },
    hook,
  ]);
}

/** @param {Database} database @param {string} person @returns {Promise<string>} */
export async function managerOf(database, person) {
  const { rows } = await database.query('SELECT manager_id FROM person WHERE id = $1', [person]);
  return rows[0].manager_id;
}

/** @param {Database} database @param {{ id: string, taskId: string, approver: string }} assignment */
export async function insertTask(database, { id, taskId, approver }) {
  await database.query('INSERT INTO task VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [
    taskId,
    id,
    approver,
    'open',
  ]);
  await database.query('UPDATE request SET state = $2 WHERE id = $1', [id, 'pending_review']);
}

/**
 * @param {Database} database
 * @param {string} taskId
 * @returns {Promise<string | undefined>} the request's id; undefined when the task is not open
 */
export async function approveTask(database, taskId) {
  const { rows } = await database.query(
    `UPDATE task SET state = 'approved' WHERE id = $1 AND state = 'open' RETURNING request_id`,
    [taskId],
  );
  return rows[0]?.request_id;
}

/** @param {Database} database @param {string} id @returns {Promise<string>} where to tell the subscriber */
export async function completeRequest(database, id) {
  const { rows } = await database.query(
    `UPDATE request SET state = 'completed' WHERE id = $1 RETURNING hook`,
    [id],
  );
  return rows[0].hook;
}

/** @param {Database} database @param {string} id @param {string} type */
export async function appendAudit(database, id, type) {
  await database.query('INSERT INTO audit (request_id, type) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    id,
    type,
  ]);
}
