// @ts-check
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { serveLifecycle } from '../serve.mjs';
import {
  appendAudit,
  approveTask,
  completeRequest,
  insertRequest,
  insertTask,
  managerOf,
  openStore,
  REQUESTER,
} from '../store.mjs';
import { needsApproval, taskOf } from '../transitions.mjs';
import { tellAssigned, tellCompleted } from '../webhook.mjs';

/**
 * The pipeline that most would write: six queues in one process, PostgreSQL for what is kept, and `queue.add` after
 * the commit. It retries what throws. It loses a request when it dies between a commit and the `add` that follows,
 * or when Redis does, and runs a stage twice when a job stalls. It is run with DATABASE_URL and REDIS_URL.
 */

/** A stage mostly waits for PostgreSQL, so one process works on many jobs of a queue at a time. */
const CONCURRENCY = 64;

const store = await openStore(process.env.DATABASE_URL ?? '');
const connection = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: null });

/** @typedef {{ id: string, hook: string, amount?: number, approver?: string, type?: string }} Job */

/** @type {Record<string, (job: Job) => Promise<unknown>>} */
const stages = {
  async routing({ id, hook, amount = 0 }) {
    if (!needsApproval(amount)) throw new Error('not in this bench');
    await add('approver-resolution', { id, hook });
  },
  async 'approver-resolution'({ id, hook }) {
    const approver = await managerOf(store.pool, REQUESTER);
    await add('assignment', { id, hook, approver });
  },
  async assignment({ id, hook, approver = '' }) {
    await store.transaction((client) => insertTask(client, { id, taskId: taskOf(id), approver }));
    await Promise.all([
      add('audit', { id, hook, type: 'task.assigned' }),
      add('notification', { id, hook, type: 'task.assigned' }),
    ]);
  },
  async completion({ id }) {
    const hook = await completeRequest(store.pool, id);
    await Promise.all([
      add('audit', { id, hook, type: 'request.completed' }),
      add('notification', { id, hook, type: 'request.completed' }),
    ]);
  },
  notification: ({ id, hook, type }) =>
    type === 'task.assigned' ? tellAssigned(hook, id, taskOf(id)) : tellCompleted(hook, id),
  audit: ({ id, type = '' }) => appendAudit(store.pool, id, type),
};

/** @type {Map<string, Queue>} */
const queues = new Map(
  Object.keys(stages).map((name) => [
    name,
    new Queue(name, {
      connection,
      defaultJobOptions: {
        attempts: 5,
        backoff: { type: 'exponential', delay: 1_000 },
        removeOnComplete: true,
        removeOnFail: true,
      },
    }),
  ]),
);

/** @param {string} queue @param {Job} job */
async function add(queue, job) {
  await queues.get(queue)?.add(queue, job);
}

const workers = Object.entries(stages).map(
  ([name, work]) => new Worker(name, ({ data }) => work(data), { connection, concurrency: CONCURRENCY }),
);
for (const worker of workers)
  worker.on('error', console.error).on('failed', (_job, error) => console.error(error));
await Promise.all(workers.map((worker) => worker.waitUntilReady()));

serveLifecycle({
  async submit({ amount, hook }) {
    const id = randomUUID();
    await insertRequest(store.pool, { id, amount, hook });
    await Promise.all([
      add('audit', { id, hook, type: 'request.created' }),
      add('routing', { id, hook, amount }),
    ]);
    return id;
  },
  async decide(taskId) {
    const id = await approveTask(store.pool, taskId);
    if (!id) throw new Error(`${taskId} is not open`);
    await add('completion', { id, hook: '' });
  },
});
