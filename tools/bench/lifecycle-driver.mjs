// @ts-check
import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';

/**
 * Drives lifecycles in a closed loop against anything that can submit and decide by HTTP and tells by webhook:
 * submit → the approver is told → decide → the subscriber is told.
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {(index: number, hookUrl: string) => Promise<string>} submit answers the request's id
 * @property {(taskId: string) => Promise<void>} decide
 *
 * @typedef {object} Hooks what arrives at the receiver, by request id
 * @property {string} url
 * @property {(requestId: string) => Promise<string>} told answers the task's id
 * @property {(requestId: string) => Promise<void>} completed
 * @property {() => Promise<void>} close
 *
 * @typedef {{ lifecycles: number, seconds: number, perSecond: number, legs: Record<string, { p50: number, p99: number }> }} Result
 */

/** A lifecycle that takes longer has been lost. */
const PATIENCE_MS = 60_000;

/**
 * A webhook receiver that understands `standard` bodies: `task.assigned` and `request.completed`.
 *
 * @returns {Promise<Hooks>}
 */
export async function startReceiver() {
  /** @type {Map<string, { arrived: Map<string, string>, waiting: Map<string, (value: string) => void> }>} */
  const requests = new Map();
  const of = (/** @type {string} */ id) => {
    let entry = requests.get(id);
    if (!entry) requests.set(id, (entry = { arrived: new Map(), waiting: new Map() }));
    return entry;
  };
  const server = createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      response.end();
      const { type, data } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const entry = of(data.request.id);
      const value = data.task?.id ?? '';
      entry.arrived.set(type, value);
      entry.waiting.get(type)?.(value);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

  const wait = (/** @type {string} */ id, /** @type {string} */ type) =>
    new Promise((/** @type {(value: string) => void} */ resolve, reject) => {
      const entry = of(id);
      const known = entry.arrived.get(type);
      if (known !== undefined) return resolve(known);
      const timer = setTimeout(() => reject(new Error(`${type} of ${id} did not arrive`)), PATIENCE_MS);
      entry.waiting.set(type, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });

  return {
    url: `http://127.0.0.1:${port}/hook`,
    told: (id) => wait(id, 'task.assigned'),
    completed: async (id) => {
      await wait(id, 'request.completed');
      requests.delete(id);
    },
    close: () => new Promise((/** @type {(value: void) => void} */ resolve) => server.close(() => resolve())),
  };
}

/**
 * @param {Contestant} contestant
 * @param {Hooks} hooks
 * @param {{ inFlight: number, lifecycles: number }} load
 * @returns {Promise<Result>}
 */
export async function drive(contestant, hooks, { inFlight, lifecycles }) {
  /** @type {Record<string, number[]>} */
  const legs = { submit: [], 'submit → told': [], decide: [], 'decide → webhook': [] };
  let next = 0;
  const started = performance.now();
  const lane = async () => {
    while (next < lifecycles) {
      const index = next++;
      const submittedAt = performance.now();
      const id = await contestant.submit(index, hooks.url);
      legs.submit?.push(performance.now() - submittedAt);
      const taskId = await hooks.told(id);
      legs['submit → told']?.push(performance.now() - submittedAt);
      const decidedAt = performance.now();
      await contestant.decide(taskId);
      legs.decide?.push(performance.now() - decidedAt);
      await hooks.completed(id);
      legs['decide → webhook']?.push(performance.now() - decidedAt);
    }
  };
  try {
    await Promise.all(Array.from({ length: inFlight }, lane));
  } finally {
    // One lane that fails ends the others, too.
    next = lifecycles;
  }
  const seconds = (performance.now() - started) / 1_000;
  return {
    lifecycles,
    seconds,
    perSecond: lifecycles / seconds,
    legs: Object.fromEntries(
      Object.entries(legs).map(([leg, times]) => [
        leg,
        { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
      ]),
    ),
  };
}

/**
 * @param {number[]} values milliseconds
 * @param {number} share of them that are at most the answer
 */
function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
