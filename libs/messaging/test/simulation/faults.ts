import type { SimulatedBroker } from './simulated-broker';
import type { SimulatedDatabase } from './simulated-database';
import type { SimulatedProcess } from './simulated-process';
import type { World } from './world';

export interface Targets {
  world: World;
  broker: SimulatedBroker;
  databases: readonly SimulatedDatabase[];
  processes: readonly SimulatedProcess[];
}

type Fault = (targets: Targets, msLeft: number) => void;

const restartLater = ({ world }: Targets, process: SimulatedProcess): void =>
  void world.scheduler.after(world.random.between(100, 6_000), () => {
    if (!process.isRunning) process.start();
  });

/** Each may make a worker lose the lock of the job it has in hand. */
const unsettling: readonly Fault[] = [
  (targets) => {
    const process = targets.world.random.pick(targets.processes);
    process.crash();
    restartLater(targets, process);
  },
  (targets) => {
    const process = targets.world.random.pick(targets.processes);
    if (process.isRunning) void process.stop().then(() => restartLater(targets, process));
  },
  ({ world, processes }, msLeft) => {
    const process = world.random.pick(processes);
    if (process.isRunning) process.freeze(Math.min(world.random.between(200, 16_000), msLeft));
  },
  ({ world, broker }) => {
    world.note(() => 'every lock is lost');
    broker.expireLocks();
  },
];

const others: readonly Fault[] = [
  ({ world, broker }) => {
    world.note(() => 'the broker loses its memory');
    broker.wipe();
  },
  ({ world, broker }, msLeft) => {
    world.note(() => 'the broker goes away');
    broker.goAway();
    world.scheduler.after(Math.min(world.random.between(200, 12_000), msLeft), () => broker.comeBack());
  },
  ({ world, databases }, msLeft) => {
    world.note(() => 'a database goes away');
    const database = world.random.pick(databases);
    database.isAway = true;
    database.cutConnections();
    world.scheduler.after(
      Math.min(world.random.between(200, 6_000), msLeft),
      () => (database.isAway = false),
    );
  },
  ({ world, databases }) => {
    world.note(() => 'the connections of a database are cut');
    world.random.pick(databases).cutConnections();
  },
];

/** After six lost locks a job is believed to kill its workers, and is buried: that would be right, and no loss. */
const mostUnsettling = 5;

/** Plans what goes wrong, and when, within the first `ms`. */
export const planFaults = (targets: Targets, ms: number): void => {
  const { random, scheduler } = targets.world;
  const total = random.between(0, 12);
  for (let planned = 0, unsettled = 0; planned < total; planned++) {
    const isUnsettling = unsettled < mostUnsettling && random.chance(0.5);
    if (isUnsettling) unsettled++;
    const fault = random.pick(isUnsettling ? unsettling : others);
    const at = random.between(0, ms - 100);
    scheduler.after(at, () => fault(targets, ms - at));
  }
};
