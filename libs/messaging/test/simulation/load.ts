import { idOf, shortly, submit, type Command } from './application';
import type { SimulatedProcess } from './simulated-process';
import type { World } from './world';

const workspaceId = idOf('0');
const cause = { correlationId: idOf('1'), causationId: null, traceparent: null };
export const requestIds = ['a', 'b', 'c'].map(idOf);

/** Commits a command by any process that can, if there is one; or takes it back at the last moment. */
export const send = (
  world: World,
  processes: readonly SimulatedProcess[],
  command: Command,
  isTakenBack = false,
): void => {
  const senders = processes.filter(({ service, isRunning }) => service === 'intake' && isRunning);
  if (senders.length === 0) return;
  const sender = world.random.pick(senders);
  sender
    .unitOfWork([workspaceId], async (tx) => {
      await submit(tx, workspaceId, command, cause);
      if (isTakenBack) throw new Error('changed my mind');
    })
    .then(
      () => world.note(() => `${sender.name}: command ${shortly(command.id)} is committed`),
      (error) => world.note(() => `${sender.name}: command ${shortly(command.id)} failed: ${String(error)}`),
    );
};

/** Commands for a few requests within `ms`, alone and in bursts; some are poison, some are taken back. */
export const planLoad = (world: World, processes: readonly SimulatedProcess[], ms: number): void => {
  const { random, scheduler } = world;
  const total = random.between(8, 16);
  const bursts = Array.from({ length: random.between(2, total) }, () => random.between(0, ms - 500));
  for (let made = 0; made < total; made++) {
    const command: Command = {
      id: idOf(made.toString(16)),
      requestId: random.pick(requestIds),
      isPoison: random.chance(0.08),
      isQuiet: false,
    };
    const isTakenBack = random.chance(0.05);
    scheduler.after(random.pick(bursts) + random.between(0, 3), () =>
      send(world, processes, command, isTakenBack),
    );
  }
};
