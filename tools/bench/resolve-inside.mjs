// @ts-check
import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {(n: number) => Record<string, unknown>[]} sources as routing sends them
 * @property {(n: number) => string[]} [refs] what the webhook among the sources has answered
 * @property {number} [times] instead of the usual number of times
 *
 * @typedef {object} Timing milliseconds
 * @property {string} name
 * @property {number} people who are asked, in the median
 * @property {number} fastest of a message by itself: what it takes when nothing else wants the machine
 * @property {number} p50
 * @property {number} p99
 * @property {number} cpu of this process, so without PostgreSQL
 * @property {number} packed per message, in packs of 50
 */

const packSize = 50;

/**
 * How long approver-resolution takes for `approvers.resolve.v1`, by the service's own build and as its own role: from
 * the job in hand to COMMIT, with inbox, resolution and outbox. What a webhook has answered is looked up and committed.
 *
 * @param {object} options
 * @param {string} options.root the project, built
 * @param {string} options.databaseUrl
 * @param {string} options.secretKey
 * @param {string} options.workspaceId
 * @param {{ id: string, userName: string, displayName: string }} options.requester
 * @param {readonly Case[]} options.cases
 * @param {number} options.times
 * @param {(timing: Timing) => void} options.told
 */
export async function resolveInside({
  root,
  databaseUrl,
  secretKey,
  workspaceId,
  requester,
  cases,
  times,
  told,
}) {
  const load = createRequire(path.join(root, 'apps', 'approver-resolution', 'package.json'));
  const { ResolveApproversController } = load('./dist/resolution/resolve-approvers.controller.js');
  const { resolveSources } = load('./dist/resolution/resolve-sources.js');
  const { sourcesQuestion, targetKey } = load('./dist/resolution/resolution-question.js');
  const { Database, roleOf, urlAs } = load('@countersign/persistence');
  const { PackProcessor } = load('@countersign/messaging/dist/pack-processor.js');
  const { PostgresInbox } = load('@countersign/messaging/dist/inbox.store.js');
  const { PostgresUnitOfWork } = load('@countersign/messaging/dist/unit-of-work.js');
  const { unobserved } = load('@countersign/messaging/dist/observer.js');
  const { v7 } = load('uuid');

  const schema = 'approver_resolution';
  const database = await Database.connect({
    url: urlAs(databaseUrl, secretKey, roleOf(schema, 'app')),
    schema,
    poolSize: 4,
    applicationName: 'bench',
  });
  const unitOfWork = new PostgresUnitOfWork(database, { offer: () => undefined }, 'approver-resolution').run;
  const controller = new ResolveApproversController();
  let people = 0;
  const inbox = new PostgresInbox(database);
  inbox.bury = (/** @type {unknown} */ _queue, /** @type {{ error: string }} */ { error }) => {
    throw new Error(error);
  };
  const processor = new PackProcessor({
    unitOfWork,
    inbox,
    broker: {},
    acknowledger: { settled: () => undefined },
    clock: { now: () => Date.now() },
    handlerOf: () => (/** @type {unknown[]} */ messages, /** @type {any} */ tx) =>
      controller.resolve(messages, {
        ...tx,
        publish: (/** @type {any} */ publication) => {
          people = publication.data.approvers.length;
          tx.publish(publication);
        },
      }),
    isTransientFault: () => false,
    isDeadlock: () => false,
    onFault: (/** @type {string} */ _what, /** @type {unknown} */ error) => {
      throw error;
    },
    observer: unobserved,
  });

  /** @param {Record<string, unknown>[]} sources */
  const questionOf = (sources) => ({
    resolutionId: v7(),
    requestId: v7(),
    stageKey: 'stage',
    stageIndex: 0,
    totalStages: 1,
    sources,
    exclude: [requester.id],
    title: 'Bench',
    reason: null,
    requester: {
      ...requester,
      externalId: null,
      email: null,
      department: null,
      region: null,
      approvalLimit: null,
      groups: [],
      manager: null,
    },
    payload: null,
    delegations: { workflow: 'bench', forbidden: [requester.id] },
  });
  /** @param {Case} one @param {number} n */
  const messageOf = ({ sources }, n) => ({
    id: v7(),
    type: 'approvers.resolve.v1',
    source: 'routing',
    occurredAt: new Date().toISOString(),
    workspaceId,
    correlationId: v7(),
    causationId: null,
    traceparent: null,
    data: questionOf(sources(n)),
  });
  /** @param {Case} one @param {readonly number[]} list */
  const run = async (one, list) => {
    const { sources, refs } = one;
    if (!refs)
      return processor.process(
        'approver-resolution',
        list.map((n) => messageOf(one, n)),
        { made: 0, allowed: 1 },
      );
    const asked = list.map((n) => {
      const question = sourcesQuestion(workspaceId, questionOf(sources(n)));
      return { question, answers: { [targetKey(question.sources[0])]: { refs: refs(n) } } };
    });
    const answers = await unitOfWork([workspaceId], (/** @type {unknown} */ tx) => resolveSources(tx, asked));
    people = answers[0].approvers.length;
  };
  /** @param {() => Promise<unknown>} work */
  const took = async (work) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };

  try {
    for (const one of cases) {
      // Statements are prepared, and planned for good after five executions.
      const rounds = one.times ?? times;
      for (let n = 0; n < 20; n++) await run(one, [n]);
      const single = [];
      const before = process.cpuUsage();
      const sizes = [];
      for (let n = 0; n < rounds; n++) {
        single.push(await took(() => run(one, [n])));
        sizes.push(people);
      }
      const { user, system } = process.cpuUsage(before);
      const packs = [];
      for (let from = 0; from < rounds; from += packSize)
        packs.push(
          await took(() =>
            run(
              one,
              Array.from({ length: packSize }, (_, n) => from + n),
            ),
          ),
        );
      told({
        name: one.name,
        people: quantile(sizes, 0.5),
        fastest: quantile(single, 0),
        p50: quantile(single, 0.5),
        p99: quantile(single, 0.99),
        cpu: (user + system) / 1000 / rounds,
        packed: quantile(packs, 0.5) / packSize,
      });
    }
  } finally {
    await database.close();
  }
}

/** @param {readonly number[]} values @param {number} part */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}
