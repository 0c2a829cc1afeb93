// @ts-check
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { parseArgs } from 'node:util';
import { freePort } from '../servers/free-port.mjs';
import { load, prepare, withOneService } from './one-service.mjs';
import { cpuOfProcesses } from './process-cpu.mjs';

/**
 * `node tools/bench/webhooks.mjs [--events 3000 --endpoints 1000 --backlog 10000 --rate 5 --seconds 20 --parts fast,many,isolation]`
 *
 * The notification service alone, as a process with its own PostgreSQL and Redis, fed with transitions as routing would:
 * - fast: deliveries a second to one receiver that answers at once
 * - many: the same to 1,000 endpoints of which every tenth is dead, half of those silent, half refusing
 * - isolation: how late events reach 20 live endpoints at a fixed rate, without and with 10,000 deliveries that wait for a dead one
 *
 * Receivers run in this process, on loopback. Nothing is waited for longer than five minutes.
 * CPU is that of the service and of PostgreSQL: on a busy machine it says more than the rest.
 */

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '3000' },
    endpoints: { type: 'string', default: '1000' },
    backlog: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    parts: { type: 'string', default: 'fast,many,isolation' },
  },
});
const events = Number(values.events);
const endpoints = Number(values.endpoints);
const backlog = Number(values.backlog);
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const parts = values.parts.split(',');
if (![events, endpoints, backlog, rate, seconds].every((n) => n > 0))
  throw new Error('all options are counts');
const longestMs = 300_000;

await prepare();
const { Queue } = load('bullmq');
const { Redis } = load('ioredis');
const { v7 } = load('uuid');

/** @typedef {import('./one-service.mjs').OneService} OneService */

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {() => Promise<boolean> | boolean} look */
async function until(look) {
  for (const end = Date.now() + longestMs; Date.now() < end; await pause(20)) if (await look()) return true;
  return false;
}

/** @param {number[]} list @param {number} part */
const percentile = (list, part) =>
  list.length === 0
    ? NaN
    : [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

/** @param {number[]} list */
const latencies = (list) =>
  `p50 ${percentile(list, 0.5)} ms, p99 ${percentile(list, 0.99)} ms (${list.length} deliveries)`;

/** A receiver that answers at once and notes how old each event is. @param {OneService['atEnd']} atEnd */
async function receiver(atEnd) {
  /** @type {number[]} */
  const ages = [];
  const server = createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(204).end();
      const text = Buffer.concat(chunks).toString('utf8', 0, 200);
      ages.push(Date.now() - Date.parse(/"timestamp":"([^"]+)"/.exec(text)?.[1] ?? ''));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/hook`, ages };
}

/** A server that takes connections and never says anything. @param {OneService['atEnd']} atEnd */
async function silent(atEnd) {
  const server = createTcpServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  atEnd(() => void server.close());
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return `http://127.0.0.1:${port}/hook`;
}

const person = { id: v7(), externalId: null, userName: 'bench', displayName: 'Bench', email: null };

/** @param {string} workspaceId */
function transition(workspaceId) {
  const now = new Date().toISOString();
  const request = {
    id: v7(),
    workspaceId,
    workflow: { id: v7(), key: 'purchase-order', version: 1 },
    state: 'submitted',
    title: 'Bench',
    reason: null,
    requester: person,
    externalRef: null,
    metadata: {},
    revision: 1,
    payloadRevision: 1,
    version: 2,
    stageIndex: 0,
    totalStages: 1,
    overridden: false,
    stages: [],
    failure: null,
    createdAt: now,
    submittedAt: now,
    decidedAt: null,
    completedAt: null,
  };
  const event = {
    id: v7(),
    type: 'request.created',
    at: now,
    actor: { type: 'system', id: null, via: null },
    taskId: null,
    stageKey: null,
    data: {},
  };
  return {
    id: v7(),
    type: 'request.transitioned.v1',
    source: 'routing',
    occurredAt: now,
    workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data: {
      request,
      events: [event],
      revisionPayload: { revision: 1, payload: { value: { amount: 4200, region: 'EMEA' } } },
    },
  };
}

/** @param {OneService} one */
async function measure({ owner, port, postgres, redis, identity, atEnd, start }) {
  const service = await start();
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue('notification', { connection, prefix: 'countersign' });
  atEnd(async () => {
    await queue.close();
    connection.disconnect();
  });

  /** @param {string} workspaceId @param {string} method @param {string} route @param {unknown} [body] */
  const call = async (workspaceId, method, route, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/webhook-endpoints${route}`, {
      method,
      headers: { ...(await identity(workspaceId)), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status >= 300) throw new Error(`${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };

  /** @param {string} workspaceId @param {string} url @returns {Promise<string>} its id */
  const subscribe = async (workspaceId, url) =>
    (await call(workspaceId, 'POST', '', { url, events: ['request.created'], format: 'standard' })).id;

  /** Deletes an endpoint, and waits until nothing waits for it any more. @param {string} workspaceId @param {string} id */
  const leave = async (workspaceId, id) => {
    await call(workspaceId, 'DELETE', `/${id}`);
    await until(async () => {
      const { rows } = await owner.query(
        `SELECT 1 FROM delivery WHERE endpoint_id = $1 AND state = 'pending' LIMIT 1`,
        [id],
      );
      return rows.length === 0;
    });
  };

  /** @param {string} workspaceId @param {number} count */
  const send = async (workspaceId, count) => {
    for (let sent = 0; sent < count; sent += 50) {
      const messages = Array.from({ length: Math.min(50, count - sent) }, () => transition(workspaceId));
      await queue.add('pack', { messages }, { removeOnComplete: true, removeOnFail: true });
    }
  };
  /** Everything that was sent has been handled. */
  const isTaken = async () => {
    const { waiting, active, delayed } = await queue.getJobCounts();
    return !waiting && !active && !delayed;
  };
  const cpu = () =>
    Object.values(cpuOfProcesses({ service, postgres: postgres.pid }) ?? {}).reduce((sum, ms) => sum + ms, 0);
  const refusing = `http://127.0.0.1:${await freePort()}/hook`;
  const mute = await silent(atEnd);

  if (parts.includes('fast')) {
    const [workspace, one] = [v7(), await receiver(atEnd)];
    await subscribe(workspace, one.url);
    await send(workspace, 200);
    await until(() => one.ages.length === 200);
    one.ages.length = 0;
    const [from, cpuBefore] = [Date.now(), cpu()];
    await send(workspace, events);
    const isDone = await until(() => one.ages.length >= events);
    const tookS = (Date.now() - from) / 1_000;
    console.log(
      `fast: ${Math.round(one.ages.length / tookS)} deliveries/s to one receiver (${one.ages.length} in ${tookS.toFixed(1)} s${isDone ? '' : ', not all'}, ${Math.round(((cpu() - cpuBefore) / one.ages.length) * 1_000)} ms CPU per 1,000)`,
    );
  }
  if (parts.includes('many')) {
    const [workspace, all] = [v7(), await receiver(atEnd)];
    const dead = Math.round(endpoints / 10);
    /** @type {string[]} */
    const ids = [];
    for (let made = 0; made < endpoints; made++)
      ids.push(await subscribe(workspace, made >= dead ? `${all.url}/${made}` : made % 2 ? mute : refusing));
    const [rounds, live] = [20, endpoints - dead];
    const [from, cpuBefore] = [Date.now(), cpu()];
    await send(workspace, rounds);
    const isDone = await until(() => all.ages.length >= rounds * live);
    const tookS = (Date.now() - from) / 1_000;
    console.log(
      `many: ${Math.round(all.ages.length / tookS)} deliveries/s to ${live} of ${endpoints} endpoints, the others dead: ${latencies(all.ages)}${isDone ? '' : ', not all'}, ${Math.round(((cpu() - cpuBefore) / all.ages.length) * 1_000)} ms CPU per 1,000`,
    );
    for (const id of ids) await leave(workspace, id);
  }
  if (parts.includes('isolation')) {
    const [workspace, crowded, live] = [v7(), v7(), await receiver(atEnd)];
    for (let made = 0; made < 20; made++) await subscribe(workspace, `${live.url}/${made}`);
    const atRate = async () => {
      live.ages.length = 0;
      const cpuBefore = cpu();
      const expected = Math.round(rate * seconds) * 20;
      for (let sent = 0; sent < rate * seconds; sent++) {
        await queue.add(
          'pack',
          { messages: [transition(workspace)] },
          { removeOnComplete: true, removeOnFail: true },
        );
        await pause(1_000 / rate);
      }
      await until(() => live.ages.length >= expected);
      return `${latencies(live.ages)}, ${Math.round(((cpu() - cpuBefore) / live.ages.length) * 1_000)} ms CPU per 1,000`;
    };
    await atRate();
    console.log(`isolation: ${rate} events/s to 20 endpoints, nothing else: ${await atRate()}`);
    for (const { name, url } of [
      { name: 'silent', url: mute },
      { name: 'refusing', url: refusing },
    ]) {
      const id = await subscribe(crowded, url);
      await send(crowded, backlog);
      await until(async () => {
        const { rows } = await owner.query(
          'SELECT count(*)::int AS count FROM delivery WHERE endpoint_id = $1',
          [id],
        );
        return rows[0].count >= backlog && (await isTaken());
      });
      const before = await owner.query(
        'SELECT sum(attempt)::int AS attempts FROM delivery WHERE endpoint_id = $1',
        [id],
      );
      const found = await atRate();
      const { rows } = await owner.query(
        `SELECT count(*) FILTER (WHERE state = 'pending')::int AS pending, count(*) FILTER (WHERE held)::int AS held, sum(attempt)::int AS attempts
           FROM delivery WHERE endpoint_id = $1`,
        [id],
      );
      const tried = rows[0].attempts - before.rows[0].attempts;
      console.log(
        `isolation: beside ${rows[0].pending} pending (${rows[0].held} held, ${tried} begun meanwhile) for a ${name} one: ${found}`,
      );
      await leave(crowded, id);
    }
  }
}

try {
  await withOneService(
    { service: 'notification', env: { COUNTERSIGN_WEBHOOK_ALLOW: '127.0.0.0/8' } },
    async (one) => {
      try {
        await measure(one);
      } finally {
        const warnings = readFileSync(one.logFile, 'utf8').split('\n').filter(Boolean);
        if (warnings.length > 0)
          console.log(`the service has warned ${warnings.length} times: ${warnings[0]?.slice(0, 500)}`);
      }
    },
  );
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  process.exit();
}
