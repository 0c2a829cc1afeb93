// @ts-check
import path from 'node:path';
import { parseArgs } from 'node:util';
import { load, prepare, root, withOneService } from './one-service.mjs';

/**
 * `node tools/bench/audit-append.mjs [--entries 20000 --packs 10,100,1000 --rounds 3]`
 *
 * How many entries a second the log of one workspace takes, in packs of several sizes, beside the same PostgreSQL taking bare rows of
 * the same bytes on the same connection: a pack is one transaction of one multi-row insert for each table. In turns; the median of
 * the rounds. What lies between the two is the leaf, its hash, its commitments, the tree, the signature, and the indexes of the log.
 */

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '20000' },
    packs: { type: 'string', default: '10,100,1000' },
    rounds: { type: 'string', default: '3' },
  },
});
const entries = Number(values.entries);
const packs = values.packs.split(',').map(Number);
const rounds = Number(values.rounds);
if (![entries, rounds, ...packs].every((n) => Number.isInteger(n) && n > 0))
  throw new Error('all options are counts');

await prepare();
const { Database, roleOf, urlAs } = load('@countersign/persistence');
const { SecretBox } = load('@countersign/secret-box');
const { AuditLog } = load(path.join(root, 'apps/audit/dist/log/audit-log.js'));
const { v7 } = load('uuid');

/** @typedef {(text: string, values?: unknown[]) => Promise<unknown>} Query */

// The service itself is not started: it would follow the logs that are made here.
await withOneService({ service: 'audit' }, measure);

/** @param {import('./one-service.mjs').OneService} one */
async function measure({ postgres, secretKey }) {
  const bareUrl = new URL(postgres.url);
  const connect = (/** @type {string} */ url, /** @type {string} */ schema) =>
    Database.connect({ url, schema, poolSize: 1, applicationName: 'bench' });
  const database = await connect(urlAs(postgres.url, secretKey, roleOf('audit', 'app')), 'audit');
  const bare = await connect(bareUrl.href, 'public');
  await bare.everywhere(async (/** @type {{ query: Query }} */ sql) => {
    await sql.query(`CREATE TABLE bare_entry (workspace_id uuid, index bigint, id uuid, type text, at timestamptz, content json, hash bytea,
                       PRIMARY KEY (workspace_id, index))`);
    await sql.query(`CREATE TABLE bare_sealed (workspace_id uuid, index bigint, position int, subject uuid, kind text, commitment text, salt bytea,
                       data json, PRIMARY KEY (workspace_id, index, position))`);
  });
  const log = new AuditLog(SecretBox.fromKey(secretKey));
  console.log('pack    bare rows/s    log entries/s    log / bare');
  for (const pack of packs) {
    /** @type {{ bare: number, log: number }[]} */
    const rates = [];
    for (let round = 0; round <= rounds; round++) {
      const workspaceId = v7();
      const bareRate = await rate(pack, (facts, from) =>
        bare.transaction([], (/** @type {{ query: Query }} */ sql) => insertBare(sql, facts, from)),
      );
      const logRate = await rate(
        pack,
        (facts) => database.transaction([workspaceId], (/** @type {object} */ sql) => log.append(sql, facts)),
        workspaceId,
      );
      // The first warms up.
      if (round > 0) rates.push({ bare: bareRate, log: logRate });
    }
    const [bareRate, logRate] = [median(rates.map((one) => one.bare)), median(rates.map((one) => one.log))];
    const ratio = median(rates.map((one) => one.log / one.bare));
    console.log(
      `${String(pack).padEnd(7)} ${bareRate.toFixed(0).padStart(11)} ${logRate.toFixed(0).padStart(16)} ${ratio.toFixed(2).padStart(13)}`,
    );
  }
  await database.close();
  await bare.close();
}

/** @typedef {ReturnType<typeof factOf>} Fact */

/**
 * Entries a second.
 *
 * @param {number} pack
 * @param {(facts: Fact[], from: number) => Promise<unknown>} append
 * @param {string} [workspaceId]
 */
async function rate(pack, append, workspaceId = v7()) {
  const facts = Array.from({ length: entries }, () => factOf(workspaceId));
  const began = performance.now();
  for (let from = 0; from < facts.length; from += pack) await append(facts.slice(from, from + pack), from);
  return entries / ((performance.now() - began) / 1_000);
}

/** A decision, as it is in the log: two people are named, one wrote a comment. @param {string} workspaceId */
function factOf(workspaceId) {
  const [assignee, decider] = [v7(), v7()];
  return {
    workspaceId,
    id: v7(),
    type: 'task.decided',
    at: new Date().toISOString(),
    actor: { type: 'user', id: decider, via: v7() },
    requestId: v7(),
    requestVersion: 4,
    taskId: v7(),
    workflowKey: 'purchase-order',
    content: {
      actor: { type: 'user', id: decider, via: null },
      stageKey: 'manager',
      state: 'approved',
      assignee,
      revision: 1,
    },
    personal: [
      { subject: assignee, kind: 'person', data: { userName: 'bob@example.com', displayName: 'Bob' } },
      { subject: decider, kind: 'comment', data: 'fine with me' },
    ],
  };
}

/** @param {{ query: Query }} sql @param {Fact[]} facts @param {number} from */
async function insertBare(sql, facts, from) {
  const sealed = facts.flatMap(({ workspaceId, personal }, n) =>
    personal.map((item, position) => ({ ...item, workspaceId, index: from + n, position })),
  );
  const [hash, commitment] = [Buffer.alloc(32, 7), 'x'.repeat(44)];
  await Promise.all([
    sql.query(
      'INSERT INTO bare_entry SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::timestamptz[], $6::json[], $7::bytea[])',
      [
        facts.map(({ workspaceId }) => workspaceId),
        facts.map((_, n) => from + n),
        facts.map(({ id }) => id),
        facts.map(({ type }) => type),
        facts.map(({ at }) => at),
        facts.map(({ content }) => JSON.stringify(content)),
        facts.map(() => hash),
      ],
    ),
    sql.query(
      `INSERT INTO bare_sealed SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::json[])`,
      [
        sealed.map(({ workspaceId }) => workspaceId),
        sealed.map(({ index }) => index),
        sealed.map(({ position }) => position),
        sealed.map(({ subject }) => subject),
        sealed.map(({ kind }) => kind),
        sealed.map(() => commitment),
        sealed.map(() => hash),
        sealed.map(({ data }) => JSON.stringify(data)),
      ],
    ),
  ]);
}

/** @param {number[]} numbers */
function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
