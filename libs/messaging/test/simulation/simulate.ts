import { idOf, shortly, type TakenOut } from './application';
import { planFaults } from './faults';
import { planLoad, requestIds, send } from './load';
import { Random } from './random';
import { SimulatedBroker } from './simulated-broker';
import { SimulatedDatabase } from './simulated-database';
import { SimulatedProcess, statementsOf } from './simulated-process';
import { unfinished, violationsOf } from './verdict';
import { World } from './world';

export interface Simulated {
  seed: number;
  /** What went wrong; empty when nothing did. */
  violations: string[];
  /** What happened, when it was asked for. */
  events: string[];
  /** How often what happened. */
  counts: ReadonlyMap<string, number>;
}

export interface SimulateOptions {
  takenOut?: TakenOut;
  isTraced?: boolean;
}

/** The longest lease and the longest wait between tries, with what one may take to follow from another. */
const patienceMs = 240_000;
/** Less than the first lease: where nothing fails, and after a broker has lost its memory, nothing waits for one. */
const shortPatienceMs = 4_400;
const lookMs = 250;
/** For so many looks in a row: what is late has arrived by then. */
const quietLooks = 4;

const services = [
  { service: 'intake', count: 2 },
  { service: 'routing', count: 2 },
  { service: 'audit', count: 1 },
] as const;

/** What the parts throw on purpose. Anything else that the library reports is a mistake in it, or in the simulation. */
const expectedFaults = new Set([
  'DatabaseFault',
  'BrokerFault',
  'HandlerFault',
  'NotYet',
  'PoisonMessage',
  'Postpone',
]);

/** Runs three services with everything that can go wrong until nothing happens any more. The same seed, the same run. */
export const simulate = async (seed: number, options: SimulateOptions = {}): Promise<Simulated> => {
  const world = new World(new Random(seed), options.isTraced ?? false);
  const { random, scheduler } = world;
  const violations: string[] = [];
  const { broker, databases, processes } = build(world, options.takenOut, (what, error) => {
    if (error instanceof Error && expectedFaults.has(error.name)) return;
    violations.push(`unexpected fault: ${what}: ${error instanceof Error ? error.stack : String(error)}`);
  });
  const remains = { broker, ...databases };
  const isQuiet = () => unfinished(remains).length === 0 && processes.every(({ isBusy }) => !isBusy);

  const faultyMs = random.between(2_000, 15_000);
  planLoad(world, processes, faultyMs);
  planFaults({ world, broker, databases: Object.values(databases), processes }, faultyMs);
  await runUntil(world, faultyMs);
  world.note(() => 'nothing goes wrong any more');
  world.isFaulty = false;
  broker.comeBack();

  const rest = async (patience: number): Promise<boolean> => {
    const giveUpAt = scheduler.now + patience;
    for (let looks = 0; looks < quietLooks;) {
      await runUntil(world, scheduler.now + lookMs);
      for (const process of processes) if (!process.isRunning) process.start();
      looks = isQuiet() ? looks + 1 : 0;
      if (looks === 0 && scheduler.now > giveUpAt) {
        violations.push(`stuck: ${unfinished(remains).join(', ') || 'a worker'}`);
        return false;
      }
    }
    return true;
  };
  const isResting = await rest(patienceMs);
  if (isResting && random.chance(0.3)) {
    await runUntil(world, world.lateUntil);
    await disturbOnce(world, broker, processes);
    await rest(shortPatienceMs);
  }

  violations.push(...violationsOf(remains).map(shortly));
  for (const { life } of processes) life.isOver = true;
  return { seed, violations, events: world.events, counts: world.counts };
};

/** A command for each request while all is well, but for one thing at most. */
const disturbOnce = async (
  world: World,
  broker: SimulatedBroker,
  processes: readonly SimulatedProcess[],
): Promise<void> => {
  const { random, scheduler } = world;
  const disturbance = random.pick(['nothing', 'the broker loses its memory', 'a job is not sent']);
  world.note(() => `a command for each request, and then: ${disturbance}`);
  broker.losesNextSend = disturbance === 'a job is not sent';
  requestIds.forEach((requestId, index) =>
    send(world, processes, { id: idOf(`f${index}`), requestId, isPoison: false, isQuiet: true }),
  );
  await runUntil(world, scheduler.now + random.between(0, 60));
  if (disturbance === 'the broker loses its memory') broker.wipe();
};

const runUntil = async ({ scheduler }: World, time: number): Promise<void> => {
  let isOver = false;
  scheduler.after(time - scheduler.now, () => (isOver = true));
  await scheduler.run(() => isOver);
};

const build = (
  world: World,
  takenOut: TakenOut | undefined,
  onFault: (what: string, error: unknown) => void,
) => {
  const { random } = world;
  const broker = new SimulatedBroker(world);
  const databases = {
    intake: new SimulatedDatabase(world),
    routing: new SimulatedDatabase(world),
    audit: new SimulatedDatabase(world),
  };
  const relayOptions = {
    packSize: random.pick([2, 5, 100]),
    window: random.pick([1, 4]),
    patienceMs: random.pick([10, 50]),
    pollMs: random.pick([500, 1_000, 1_500]),
  };
  const concurrency = random.between(1, 3);
  const processes = services.flatMap(({ service, count }) => {
    const database = databases[service];
    const statements = statementsOf(world, takenOut);
    const surroundings = {
      world,
      broker,
      database,
      statements,
      relayOptions,
      concurrency,
      takenOut,
      onFault,
    };
    const names = Array.from({ length: count }, (_, index) => `${service}-${index + 1}`);
    return names.map((name) => new SimulatedProcess(service, name, surroundings));
  });
  return { broker, databases, processes };
};
