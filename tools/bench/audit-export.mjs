// @ts-check
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { load, prepare, withOneService } from './one-service.mjs';
import { cpuOfProcesses } from './process-cpu.mjs';

/**
 * `node tools/bench/audit-export.mjs [--entries 1000000 --sealed 4 --formats ndjson,csv,ocsf]`
 *
 * The audit service alone, as a process with its own PostgreSQL and Redis, and a log of that many entries, of which every
 * fourth has sealed data. Entries are made by SQL in sets: their leaf hashes are of no content. Each format is exported once, whole,
 * to a reader that takes everything at once. Prints entries and MB a second, CPU, and the resident memory of the audit process
 * before, at each tenth and after. 10,000,000 entries take 8 GB of disk.
 */

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '1000000' },
    sealed: { type: 'string', default: '4' },
    formats: { type: 'string', default: 'ndjson,csv,ocsf' },
  },
});
const entries = Number(values.entries);
const sealedEvery = Number(values.sealed);
const formats = values.formats.split(',');
if (![entries, sealedEvery].every((n) => Number.isSafeInteger(n) && n > 0))
  throw new Error('--entries and --sealed are counts');

await prepare();
const { nodeHash, serializeFrontier } = load('@countersign/merkle-log');
const { v7 } = load('uuid');
const workspace = v7();
const leaf = Buffer.alloc(32, 1);

/** Of that many equal leaves. @param {number} size */
function frontierOf(size) {
  const hashes = [];
  /** @type {Buffer} */
  let node = leaf;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) hashes.unshift(node);
    node = nodeHash(node, node);
  }
  return serializeFrontier({ size, hashes });
}

/** @param {any} owner pool */
async function fill(owner) {
  // What an export does not read is not worth its time here.
  const { rows } = await owner.query(
    `SELECT indexname FROM pg_indexes WHERE schemaname = 'audit' AND tablename IN ('entry', 'sealed') AND indexname NOT LIKE '%pkey'`,
  );
  await owner.query('ALTER TABLE entry DROP CONSTRAINT one_entry_per_event');
  for (const { indexname } of rows)
    if (indexname !== 'one_entry_per_event') await owner.query(`DROP INDEX ${indexname}`);
  const pack = 500_000;
  for (let from = 0; from < entries; from += pack) {
    const to = Math.min(from + pack, entries) - 1;
    await owner.query(
      `INSERT INTO entry (workspace_id, index, id, type, at, actor_id, request_id, request_version, workflow_key, content, leaf_hash)
       SELECT $1, n, gen_random_uuid(), (ARRAY['request.created', 'task.assigned', 'task.decided', 'stage.ended', 'request.completed'])[1 + n % 5],
              timestamptz '2026-01-01Z' + n * interval '1 second', 'bench', md5('r' || n / 10)::uuid, 1 + n % 10, 'purchase-order',
              ('{"actor":{"type":"user","id":"' || md5('u' || n % 1000)::uuid || '","via":"' || md5('k')::uuid ||
               '"},"taskId":"' || md5('t' || n)::uuid || '","stageKey":"manager","state":"approved","revision":1,"reasonCode":null}')::json, $4
         FROM generate_series($2::int, $3::int) n`,
      [workspace, from, to, leaf],
    );
    await owner.query(
      `INSERT INTO sealed (workspace_id, index, position, subject, kind, commitment, salt, data)
       SELECT $1, n, 0, md5('u' || n % 1000)::uuid, 'comment', encode($5, 'base64'), $5,
              ('"' || repeat('because it is needed ', 5) || n || '"')::json
         FROM generate_series($2::int, $3::int) n WHERE n % $4::int = 0`,
      [workspace, from, to, sealedEvery, leaf],
    );
  }
  await owner.query(
    `UPDATE log_head SET frontier = $2, checkpoint = replace(checkpoint, E'\\n0\\n', E'\\n' || $3 || E'\\n') WHERE workspace_id = $1`,
    [workspace, frontierOf(entries), String(entries)],
  );
  await owner.query('VACUUM ANALYZE entry, sealed');
}

/** Resident memory of a process in MiB. @param {number | undefined} pid */
const memoryOf = (pid) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);

await withOneService(
  { service: 'audit', settings: { max_wal_size: '4GB', synchronous_commit: 'off' } },
  async ({ owner, port, postgres, identity, start: startService }) => {
    const service = await startService();
    await fetch(`http://127.0.0.1:${port}/v1/audit/checkpoint`, { headers: await identity(workspace) }).then(
      (answer) => answer.text(),
    );
    const from = performance.now();
    await fill(owner);
    const { rows } = await owner.query('SELECT pg_size_pretty(pg_database_size(current_database())) AS size');
    console.log(
      `${entries} entries made in ${Math.round((performance.now() - from) / 1_000)} s, ${rows[0].size}; ${os.cpus().length} cores, Node.js ${process.versions.node}`,
    );

    for (const format of formats) {
      const memory = [memoryOf(service)];
      let most = memory[0] ?? 0;
      const cpuBefore = cpuOfProcesses({ service, postgres: postgres.pid });
      const start = performance.now();
      const headers = await identity(workspace);
      /** @type {import('node:http').IncomingMessage} */
      const answer = await new Promise((resolve, reject) => {
        const path = `/v1/audit/export?format=${format}`;
        request({ host: '127.0.0.1', port, path, headers, agent: false }, resolve)
          .once('error', reject)
          .end();
      });
      const watch = setInterval(() => (most = Math.max(most, memoryOf(service))), 200);
      const expected = Number(answer.headers['countersign-tree-size']);
      let [bytes, lines, tenth] = [0, 0, 1];
      for await (const chunk of answer) {
        bytes += chunk.length;
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
        if (lines >= (expected * tenth) / 10) {
          memory.push(memoryOf(service));
          tenth += 1;
        }
      }
      clearInterval(watch);
      const seconds = (performance.now() - start) / 1_000;
      const told = Number(answer.trailers['countersign-export-entries']);
      if (!answer.complete || told !== expected || lines !== expected + (format === 'csv' ? 1 : 0))
        throw new Error(`not whole: ${lines} lines, ${told} told, ${expected} expected`);
      const cpuAfter = cpuOfProcesses({ service, postgres: postgres.pid });
      /** @param {'service' | 'postgres'} name */
      const cpu = (name) => (((cpuAfter?.[name] ?? NaN) - (cpuBefore?.[name] ?? NaN)) / told).toFixed(4);
      console.log(
        `${format}: ${told} entries, ${Math.round(bytes / 1e6)} MB in ${seconds.toFixed(1)} s: ${Math.round(told / seconds)} entries/s, ` +
          `${(bytes / 1e6 / seconds).toFixed(1)} MB/s; CPU per entry: audit ${cpu('service')} ms, PostgreSQL ${cpu('postgres')} ms; ` +
          `RSS in MiB before and at each tenth: ${memory.join(' ')} (most ${most})`,
      );
    }
  },
);
