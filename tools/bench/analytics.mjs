// @ts-check
import path from 'node:path';
import { parseArgs } from 'node:util';
import { load, prepare, root, withOneService } from './one-service.mjs';
import { quantile } from './resolve-inside.mjs';

/**
 * `node tools/bench/analytics.mjs [--requests 1000000 --days 365 --open 50000 --logged 5000 --times 30] [--plans]`
 *
 * The audit service alone, as a process with its own PostgreSQL and Redis. Requests of ten workflows, five regions, sixty departments and
 * twenty groups, two stages each on average, are written as measures by SQL; the service adds up their days and months. Some of them
 * are written as raw entries, for how fast the service follows a log. Then each report is asked for again and again, with
 * and without groupings and filters, over months whose edges are in the middle of a day. `--plans` prints what PostgreSQL does.
 */

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    days: { type: 'string', default: '365' },
    open: { type: 'string', default: '50000' },
    logged: { type: 'string', default: '5000' },
    times: { type: 'string', default: '30' },
    plans: { type: 'boolean', default: false },
  },
});
const requests = Number(values.requests);
const days = Number(values.days);
const open = Number(values.open);
const logged = Number(values.logged);
const times = Number(values.times);
if (![requests, days, open, logged, times].every((n) => n > 0)) throw new Error('all options are counts');
const longestMs = 1_800_000;

await prepare();
const { Database, roleOf, urlAs } = load('@countersign/persistence');
const reportsIn = path.join(root, 'apps/audit/dist/analytics/reports');
const { readLines } = load(path.join(reportsIn, 'totals.rows.js'));
const { readWaiting } = load(path.join(reportsIn, 'bottlenecks.rows.js'));
const { v7 } = load('uuid');

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {() => Promise<boolean> | boolean} look @returns {Promise<void>} */
async function until(look) {
  for (const end = Date.now() + longestMs; Date.now() < end; await pause(100)) if (await look()) return;
  throw new Error('it takes too long');
}

/** As product code counts durations (apps/audit/src/analytics/durations), but for those next to a power of two. @param {string} ms */
const bucketSql = (ms) => `(CASE WHEN ${ms} < 128 THEN ${ms}
  ELSE (floor(ln(${ms}) / ln(2))::int - 6) * 64 + floor(${ms} / 2 ^ (floor(ln(${ms}) / ln(2))::int - 6)) END)::smallint`;

/** Requests, and the two things of each that happened at a time: when it was handed in, and how many minutes each stage took. */
const madeUp = `
  SELECT n, gen_random_uuid() AS request_id, 'workflow-' || (n % 10) AS workflow_key, (ARRAY['EMEA', 'AMER', 'APAC', 'LATAM', NULL])[1 + n % 5] AS region,
         'department-' || (n * 7 % 60) AS department, 1 + (n / 10) % 3 AS stages,
         now() - random() * $3 * interval '1 day' AS at
    FROM generate_series($1::int, $2::int) AS n`;

const measuresSql = `
  WITH request AS MATERIALIZED (${madeUp}),
  stage AS MATERIALIZED (
    SELECT r.*, s, '00000000-0000-7000-8000-0000000000' || (10 + (r.n * 3 + s) % 20) AS grp,
           (exp(6 + 2.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) * 60000)::bigint AS ms
      FROM request r CROSS JOIN LATERAL generate_series(1, r.stages) AS s),
  timed AS MATERIALIZED (SELECT *, sum(ms) OVER (PARTITION BY n ORDER BY s) AS until_ms FROM stage)
  INSERT INTO analytics_measure (workspace_id, at, request_id, kind, workflow_key, stage_key, region, department, groups, outcome,
                                 duration_ms, bucket, returns, abandoned, overridden, breached, straight_through)
  SELECT * FROM (
  SELECT $4::uuid, at, request_id, 'submitted', workflow_key, NULL, region, department, '{}', NULL, NULL, NULL::smallint, 0, false, false, false, false
    FROM request
  UNION ALL
  SELECT $4, at + until_ms * interval '1 ms', request_id, 'stage_ended', workflow_key, 'stage-' || s, region, department, ARRAY[grp],
         CASE WHEN s = stages AND n % 12 = 0 THEN 'rejected' ELSE 'approved' END, ms, ${bucketSql('ms')}, 0, false, false, ms > 86400000, false
    FROM timed
  UNION ALL
  SELECT $4, at + (until_ms - ms) * interval '1 ms', request_id, 'stage_started', workflow_key, 'stage-' || s, region, department, ARRAY[grp],
         NULL, NULL, NULL, 0, false, false, false, false
    FROM timed
  UNION ALL
  SELECT $4, at + until_ms * interval '1 ms', request_id, 'ended', workflow_key, NULL, region, department, ARRAY[grp],
         CASE WHEN n % 12 = 0 THEN 'rejected' ELSE 'completed' END, until_ms, ${bucketSql('until_ms')}, (n % 50 = 0)::int, false, n % 500 = 0,
         n % 9 = 0, n % 40 = 0
    FROM timed WHERE s = stages) made WHERE at < now()`;

const waitingSql = `
  INSERT INTO analytics_waiting (workspace_id, request_id, stage_key, workflow_key, region, department, groups, since, started_at, breached, open_tasks, oldest_task_at)
  SELECT $4::uuid, request_id, 'stage-' || stages, workflow_key, region, department,
         ARRAY['00000000-0000-7000-8000-0000000000' || (10 + n % 20)], at, at, n % 5 = 0, 2, at FROM (${madeUp}) made`;

/** The entries of a request that one stage approves. */
const entriesSql = `
  WITH request AS (${madeUp}),
  line (place, version, type, more) AS (VALUES
    (0, 2, 'request.created', '{}'), (1, 2, 'request.submitted', '{"revision": 1}'),
    (2, 2, 'stage.awaiting_approvers', '{"stageKey": "manager", "purpose": "start"}'),
    (3, 3, 'stage.resolved', '{"stageKey": "manager", "purpose": "start", "evidence": {"sources": []}}'),
    (4, 3, 'request.stage_started', '{"stageKey": "manager"}'), (5, 3, 'task.assigned', '{"stageKey": "manager", "taskId": "t"}'),
    (6, 4, 'task.decided', '{"stageKey": "manager", "taskId": "t"}'), (7, 4, 'stage.ended', '{"stageKey": "manager", "state": "approved"}'),
    (8, 4, 'request.approved', '{}'), (9, 4, 'request.completed', '{}'))
  INSERT INTO entry (workspace_id, index, id, type, at, request_id, request_version, workflow_key, content, leaf_hash)
  SELECT $4::uuid, (n - $1) * 10 + place, gen_random_uuid(), type, at + place * interval '7 minutes', request_id, version, workflow_key,
         (more::jsonb || jsonb_build_object('actor', jsonb_build_object('type', 'system', 'id', null), 'requester', request_id))::json, ''
    FROM request CROSS JOIN line`;

/** The same on the log's head: eight bytes of size are all that is read of it here. */
const headSql = `INSERT INTO log_head (workspace_id, frontier, sealed_seed, checkpoint) VALUES ($1, int8send($2::bigint), '', '')`;

/** @param {import('./one-service.mjs').OneService} one */
async function measure({ owner, port, postgres, secretKey, identity, start: startService }) {
  const [workspace, followed] = [v7(), v7()];
  /** @param {string} sql @param {number} count @param {number} atOnce @param {string} of */
  const make = async (sql, count, atOnce, of) => {
    for (let from = 1; from <= count; from += atOnce)
      await asOwner(owner, sql, [from, Math.min(count, from + atOnce - 1), days, of]);
  };

  let start = performance.now();
  const passed = () => ((performance.now() - start) / 1_000).toFixed(1);
  await make(measuresSql, requests, 50_000, workspace);
  await make(waitingSql, open, 50_000, workspace);
  await asOwner(
    owner,
    `INSERT INTO analytics_period (workspace_id, level, period, rolled)
     SELECT DISTINCT $1::uuid, level, date_trunc(level, at AT TIME ZONE 'UTC')::date, false
       FROM analytics_measure CROSS JOIN (VALUES ('day'), ('month')) AS l (level)`,
    [workspace],
  );
  // Measures are written as they happen, so they lie in the order of their time.
  await owner.query('CLUSTER analytics_measure USING analytics_measure_at');
  await owner.query('VACUUM ANALYZE');
  const { rows: sizes } = await owner.query(
    `SELECT (SELECT count(*) FROM analytics_measure) AS measures, pg_size_pretty(pg_total_relation_size('analytics_measure')) AS size`,
  );
  console.log(
    `${requests} requests over ${days} days: ${sizes[0].measures} measures (${sizes[0].size} with indexes), ${open} open stages; made in ${passed()} s`,
  );

  start = performance.now();
  await startService();
  await until(async () => {
    const { rows } = await owner.query(
      `SELECT 1 FROM analytics_period WHERE NOT rolled
          AND period < (CASE level WHEN 'day' THEN now()::date ELSE date_trunc('month', now())::date END) LIMIT 1`,
    );
    return rows.length === 0;
  });
  const { rows: cells } = await owner.query(
    `SELECT count(*) AS n, pg_size_pretty(pg_total_relation_size('analytics_cell')) AS size FROM analytics_cell`,
  );
  console.log(`days and months added up in ${passed()} s: ${cells[0].n} cells (${cells[0].size})`);

  await make(entriesSql, logged, logged, followed);
  start = performance.now();
  await asOwner(owner, headSql, [followed, logged * 10]);
  await until(async () => {
    const { rows } = await owner.query('SELECT next_index FROM analytics_position WHERE workspace_id = $1', [
      followed,
    ]);
    return Number(rows[0]?.next_index ?? 0) === logged * 10;
  });
  console.log(`${logged * 10} raw entries followed in ${passed()} s`);
  await owner.query('VACUUM ANALYZE');

  /** @param {string} route @param {string[] | null} workflows */
  const ask = async (route, workflows) => {
    const headers = await identity(workspace, workflows);
    const from = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/v1/analytics/${route}`, { headers });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
    return { ms: performance.now() - from, lines: JSON.parse(text).data.length };
  };
  const dayMs = 86_400_000;
  /** @param {number} ago */
  const moment = (ago) => new Date(Date.now() - ago * dayMs).toISOString();
  // Neither edge is a midnight.
  const periods = {
    all: { from: moment(days * 2), to: moment(-1) },
    most: { from: moment(days * 0.9), to: moment(days * 0.05) },
  };
  const groupings = [null, 'stage', 'group', 'region', 'department', 'workflow'];
  let slowest = 0;
  for (const report of ['cycle-times', 'throughput', 'outcomes', 'bottlenecks']) {
    for (const groupBy of groupings) {
      for (const filter of ['', 'workflow', 'key']) {
        /** @type {number[]} */
        const took = [];
        let lines = 0;
        for (let n = 0; n < times; n += 1) {
          const period = report === 'bottlenecks' ? null : n % 2 ? periods.all : periods.most;
          const query = new URLSearchParams({
            ...period,
            ...(groupBy ? { groupBy } : {}),
            ...(filter === 'workflow' ? { workflow: 'workflow-3' } : {}),
          });
          const limit = filter === 'key' ? ['workflow-1', 'workflow-2', 'workflow-3'] : null;
          const answer = await ask(`${report}?${query}`, limit);
          took.push(answer.ms);
          lines = answer.lines;
        }
        slowest = Math.max(slowest, quantile(took, 0.99));
        console.log(
          `${report} ${groupBy ? `by ${groupBy}` : 'in all'}${filter === 'workflow' ? ', one workflow' : filter === 'key' ? ', a key for three workflows' : ''}: ` +
            `p50 ${quantile(took, 0.5).toFixed(0)} ms, p99 ${quantile(took, 0.99).toFixed(0)} ms, ${lines} lines`,
        );
      }
    }
  }
  console.log(`slowest p99: ${slowest.toFixed(0)} ms`);
  if (values.plans)
    await printPlans(urlAs(postgres.url, secretKey, roleOf('audit', 'app')), workspace, periods.most);
}

/** What PostgreSQL does, as the service's own role. @param {string} url @param {string} workspace @param {{ from: string, to: string }} period */
async function printPlans(url, workspace, period) {
  const database = await Database.connect({
    url,
    schema: 'audit',
    poolSize: 1,
    applicationName: 'bench',
  });
  /** @type {(name: string, run: (sql: unknown) => Promise<unknown>) => Promise<void>} */
  const explain = (name, run) =>
    database.read(workspace, async (/** @type {any} */ sql) => {
      const explaining = {
        query: async (/** @type {string} */ text, /** @type {unknown[]} */ given) => {
          if (/FROM analytics_period/.test(text)) return sql.query(text, given);
          const rows = await sql.query(`EXPLAIN (ANALYZE, BUFFERS) ${text}`, given);
          const wanted = /Scan|Execution Time|Rows Removed/;
          for (const row of rows)
            if (wanted.test(row['QUERY PLAN'])) console.log(`  ${row['QUERY PLAN'].trim()}`);
          return [];
        },
      };
      console.log(name);
      await run(explaining);
    });
  for (const groupBy of [null, 'stage', 'department'])
    await explain(`plan of cycle-times ${groupBy ?? 'in all'}`, (sql) =>
      readLines(sql, workspace, { ...period, groupBy, workflows: null }, ['ended', 'stage_ended']),
    );
  await explain('plan of bottlenecks by stage', (sql) =>
    readWaiting(sql, workspace, { groupBy: 'stage', workflows: null, from: null, to: null, asOf: period.to }),
  );
  await database.close();
}

/** The owner of the embedded server is bound by row-level security as well. @param {any} pool @param {string} text @param {unknown[]} given */
async function asOwner(pool, text, given) {
  const client = await pool.connect();
  try {
    await client.query('BEGIN; SET LOCAL row_security = off');
    await client.query(text, given);
    await client.query('COMMIT');
  } finally {
    client.release(true);
  }
}

await withOneService({ service: 'audit' }, measure);
