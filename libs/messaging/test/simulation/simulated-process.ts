import { queuesOf, type ConsumerService } from '@countersign/contracts';
import { isDeadlock, isTransientFault, type Database } from '@countersign/persistence';
import { Acknowledger } from '../../src/acknowledger';
import { unobserved } from '../../src/observer';
import { PackProcessor } from '../../src/pack-processor';
import type { InboxStore, OutboxStore, UnitOfWork } from '../../src/ports';
import { Relay, type RelayOptions } from '../../src/relay';
import { PostgresUnitOfWork } from '../../src/unit-of-work';
import { applicationStatements, handlerOf, type TakenOut } from './application';
import { BrokerClient } from './broker-client';
import { DatabaseClient, type Statements } from './database-client';
import { Life } from './life';
import type { SimulatedBroker } from './simulated-broker';
import type { SimulatedDatabase } from './simulated-database';
import { messagingStatements, SimulatedInbox, SimulatedOutbox } from './simulated-stores';
import { Worker } from './worker';
import type { World } from './world';

export interface Surroundings {
  world: World;
  broker: SimulatedBroker;
  database: SimulatedDatabase;
  /** What the database understands. */
  statements: Statements;
  relayOptions: Partial<RelayOptions>;
  /** Jobs of a queue that are handled at the same time. */
  concurrency: number;
  takenOut?: TakenOut | undefined;
  onFault: (what: string, error: unknown) => void;
}

export const statementsOf = (world: World, takenOut?: TakenOut): Statements => ({
  ...messagingStatements(world),
  ...applicationStatements(takenOut),
});

const everythingIsFresh = (ours: InboxStore): InboxStore => ({
  admit: async (tx, queue, messages) => {
    await ours.admit(tx, queue, messages);
    return new Set(messages.map(({ id }) => id));
  },
  bury: (queue, letter) => ours.bury(queue, letter),
});

const nothingIsDue = (ours: OutboxStore): OutboxStore => ({
  claimDue: async () => [],
  forget: (settlements) => ours.forget(settlements),
  makeAllDue: () => ours.makeAllDue(),
  adoptEpoch: (epoch) => ours.adoptEpoch(epoch),
});

/** One process of a service: the messaging as messaging.ts wires it, from each start to each end of it. */
export class SimulatedProcess {
  life: Life;
  unitOfWork: UnitOfWork;
  private relay: Relay;
  private acknowledger: Acknowledger;
  private workers: Worker[] = [];
  private starts = 0;

  constructor(
    readonly service: ConsumerService,
    readonly name: string,
    private readonly surroundings: Surroundings,
  ) {
    this.start();
  }

  get isRunning(): boolean {
    return !this.life.isOver;
  }

  get isBusy(): boolean {
    return this.isRunning && this.workers.some((worker) => worker.isBusy);
  }

  /** A new process over the same database: nothing is remembered. */
  start(): void {
    const { world, broker, database, statements, takenOut, relayOptions, concurrency, onFault } =
      this.surroundings;
    const { service } = this;
    const life = new Life(world, `${this.name}.${++this.starts}`);
    const client = new BrokerClient(world, life, broker);
    const inbox = new SimulatedInbox(life, database);
    const outbox = new SimulatedOutbox(world, life, database);
    const fault = (what: string, error: unknown) => {
      world.note(
        () => `${life.name}: ${what.replace(/[0-9a-f-]{36}/, (id) => world.name(id))}: ${String(error)}`,
      );
      onFault(what, error);
    };
    const relay = new Relay(
      takenOut === 'reconciler' ? nothingIsDue(outbox) : outbox,
      client,
      life.clock,
      fault,
      relayOptions,
    );
    const acknowledger = new Acknowledger(client, life.clock, fault);
    const connections = new DatabaseClient(world, life, database, statements);
    const { run } = new PostgresUnitOfWork(connections as unknown as Database, relay, service);
    const processor = new PackProcessor({
      unitOfWork: run,
      inbox: takenOut === 'inbox' ? everythingIsFresh(inbox) : inbox,
      broker: client,
      acknowledger,
      clock: life.clock,
      handlerOf: handlerOf(world, service),
      isTransientFault,
      isDeadlock,
      onFault: fault,
      observer: unobserved,
    });
    this.workers = queuesOf(service).flatMap((queue) =>
      Array.from({ length: concurrency }, () => new Worker(world, life, broker, client, queue, processor)),
    );
    Object.assign(this, { life, relay, acknowledger, unitOfWork: run });
    broker.subscribe(service, { life, callback: (settled) => relay.settled(settled) });
    relay.start();
    for (const worker of this.workers) worker.start();
    world.note(() => `${life.name}: starts`);
  }

  /** Dies as by SIGKILL. Servers notice a little later; what its workers held is somebody else's after the lock's time. */
  crash(): void {
    const { life, surroundings } = this;
    const { world, broker, database } = surroundings;
    if (life.isOver) return;
    world.note(() => `${life.name}: dies`);
    life.isOver = true;
    broker.unsubscribe(life);
    world.scheduler.after(world.latency(), () => database.cutConnections(life));
    world.scheduler.after(world.random.between(5_000, 15_000), () => broker.expireLocks(life));
  }

  /** Stops as for a new version, in the order of the real service; what takes too long is given up. */
  async stop(): Promise<void> {
    const { life, workers, surroundings } = this;
    surroundings.world.note(() => `${life.name}: stops`);
    const within = (ms: number, work: Promise<unknown>) =>
      new Promise<void>((resolve) => {
        life.later(ms, resolve);
        void work.then(() => resolve());
      });
    surroundings.broker.stopAsking(life);
    await within(4_000, Promise.all(workers.map((worker) => worker.stop())));
    await within(1_500, this.acknowledger.flush());
    await within(1_500, this.relay.stop());
    this.crash();
  }

  /** Stands still: garbage collection, a machine that is moved. Long enough, and others believe it dead. */
  freeze(ms: number): void {
    const { life, surroundings } = this;
    surroundings.world.note(() => `${life.name}: freezes for ${ms} ms`);
    life.freeze(ms);
    const lockMs = surroundings.world.random.between(10_000, 15_000);
    if (ms > lockMs) surroundings.world.scheduler.after(lockMs, () => surroundings.broker.expireLocks(life));
    surroundings.world.scheduler.after(ms + 1, () => surroundings.broker.wakeAll());
  }
}
