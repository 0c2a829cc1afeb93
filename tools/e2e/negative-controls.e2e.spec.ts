import { readFileSync } from 'node:fs';
import path from 'node:path';
import { consumers } from '@countersign/contracts';
import { eventually, pause } from './eventually';
import { violationsOf, type Violation } from './ledger';
import { startLoadedSystem, type LoadedSystem } from './loaded-system';
import { scenarios, type LoadOptions } from './load';
import { flushRedis, killService, type Nemesis } from './nemeses';
import { countLeftOver, readBooks } from './read-books';
import { decide, submit, untilTasks, order } from './requests';
import type { TestSystem } from './test-system';

/*
 * What holds the books together is taken out, one part at a time, and the same kind of load and strikes must show it:
 * the ledger check finds something, or a constraint of the database refuses. That the check finds nothing with every
 * part in place is what durability.e2e.spec.ts shows.
 */

jest.setTimeout(120_000);

/** Two processes of routing, each with several jobs in hand, so that the same request is worked on at the same time. */
const replicas = { routing: 2 };
const atOnce = '4';

/** From the last strike until what was not done by then is taken as never done. */
const restMs = 10_000;

const inFlight = 50;

const strikes: Nemesis[] = [flushRedis, killService('routing'), flushRedis, flushRedis, flushRedis];

let loaded: LoadedSystem | undefined;

afterEach(async () => {
  await loaded?.stop();
  loaded = undefined;
});

const systemWithout = async (
  part: 'inbox' | 'recovery' | 'fence',
  load: Partial<LoadOptions> = {},
): Promise<LoadedSystem> => {
  const injected = {
    entryPoints: Object.fromEntries(
      consumers.map((name) => [name, path.join(__dirname, 'entry-points', `without-${part}.mjs`)]),
    ),
    serviceEnv: Object.fromEntries(
      consumers.map((name) => [name, { E2E_SERVICE: name, COUNTERSIGN_CONCURRENCY: atOnce }]),
    ),
  };
  loaded = await startLoadedSystem(
    { replicas, ...injected },
    { inFlight, thinkMs: 1_000, patienceMs: restMs, ...load },
  );
  return loaded;
};

/** How the ledger says that something happened twice. */
const secondCopy =
  /is in the log \d+ times$|has index \d+ at position|is decided \S+ and |ended as \S+ and |with different bodies$/;

interface Findings {
  violations: Violation[];
  rules: Set<string>;
  stuck: readonly string[];
  /** Names of the unique constraints that refused something. */
  refusedBy: Set<string>;
}

const struckAndChecked = async ({ system, load, subscribers }: LoadedSystem): Promise<Findings> => {
  load.start();
  await eventually('the load is in full swing', () => load.taken >= 20);
  for (const { strike } of strikes) {
    await strike(system);
    await pause(300);
  }
  await load.finish();
  const until = Date.now() + restMs;
  while (Date.now() < until && Object.values(await countLeftOver(system)).some((count) => count > 0))
    await pause(500);
  const violations = violationsOf(await readBooks(system, load, subscribers));
  const rules = new Set<string>(violations.map(({ rule }) => rule));
  return { violations, rules, stuck: load.stuck, refusedBy: refusingConstraints(system) };
};

const refusingConstraints = ({ dataDir }: TestSystem): Set<string> => {
  const log = readFileSync(path.join(dataDir, 'logs', 'postgres.log'), 'utf8');
  const names = [...log.matchAll(/violates unique constraint "(\w+)"/g)].map(([, name]) => name ?? '');
  return new Set(names);
};

describe('the books, under the same strikes', () => {
  it('do not balance without recovery: what Redis lost stays lost', async () => {
    const { rules, stuck } = await struckAndChecked(await systemWithout('recovery'));
    expect(stuck.length).toBeGreaterThan(0);
    expect(rules).toContain('decided once, as acknowledged');
    expect(rules).toContain('nothing left over');
  });

  it('balance without inbox as far as constraints of the receivers stop the second copy', async () => {
    const { violations } = await struckAndChecked(await systemWithout('inbox'));
    // Only doubles: each copy that a constraint refuses costs retries, so how far the rest has come by now is chance.
    expect(violations.filter(({ detail }) => secondCopy.test(detail))).toEqual([]);
  });

  it('do not balance without inbox and without those constraints: the log has events twice', async () => {
    const without = await systemWithout('inbox');
    await without.system.sql(`
      ALTER TABLE audit.transition DROP CONSTRAINT transition_pkey;
      ALTER TABLE audit.entry DROP CONSTRAINT one_entry_per_event`);
    const { violations } = await struckAndChecked(without);
    expect(violations).toContainEqual({
      rule: 'logged exactly once',
      detail: expect.stringMatching(/^event \S+ is in the log \d+ times$/),
    });
  });

  it('do not balance without fence: of two approvals at once one is lost', async () => {
    const racing = scenarios.filter(({ steps }) => steps.some((together) => together.length > 1));
    const { rules } = await struckAndChecked(
      await systemWithout('fence', { scenarios: racing, thinkMs: 0, inFlight: 20 }),
    );
    expect(rules).toContain('decided once, as acknowledged');
    expect(rules).toContain('logged exactly once');
  });
});

describe('without fence', () => {
  it('constraints refuse a second decision of a task and a second end of a request', async () => {
    const { system } = await systemWithout('fence');
    const { admin: client } = system;
    const race = async (n: number) => {
      const { id } = await submit(client, { workflow: 'purchase-order', payload: order(10) });
      const [task] = await untilTasks(client, id);
      if (!task) throw new Error('no task');
      const calls =
        n % 2
          ? [decide(client, task, 'approve'), decide(client, task, 'reject')]
          : [decide(client, task, 'approve'), client.post(`/v1/requests/${id}/cancel`, { reason: 'a race' })];
      return (await Promise.all(calls)).map(({ status }) => status).sort();
    };
    const both = ['one_decision_per_task', 'one_outcome_per_request'];
    const areSeen = () => both.every((name) => refusingConstraints(system).has(name));
    // On a busy machine the two of a race seldom meet.
    for (let round = 0; round < 5 || (round < 30 && !areSeen()); round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => race(n)));
      // The constraints are the last line, and a good one: there is still one winner each.
      expect(answers).toEqual(answers.map(() => [200, 409]));
    }
    expect([...refusingConstraints(system)]).toEqual(expect.arrayContaining(both));
  });
});
