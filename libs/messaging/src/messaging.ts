import { queuesOf, type ServiceName } from '@countersign/contracts';
import { isDeadlock, isTransientFault, type Database } from '@countersign/persistence';
import type { Redis } from 'ioredis';
import { Acknowledger } from './acknowledger';
import { BullMqBroker, connectToRedis } from './bullmq.broker';
import { BullMqServer } from './bullmq.server';
import { DeadLetters } from './dead-letters';
import type { OnFault } from './fault';
import { PostgresInbox } from './inbox.store';
import { unobserved, type MessagingObserver } from './observer';
import { outboxBacklog, type OutboxBacklog } from './outbox-backlog';
import { PostgresOutbox } from './outbox.store';
import { PackProcessor } from './pack-processor';
import { systemClock, type InboxStore, type OutboxStore, type UnitOfWork } from './ports';
import type { QueueBacklog } from './queue-backlog';
import { Relay, type RelayOptions } from './relay';
import { PostgresUnitOfWork } from './unit-of-work';

export interface MessagingOptions {
  service: ServiceName;
  redisUrl: string;
  /** Pools of the application role and of the relay role. */
  application: Database;
  relay: Database;
  concurrency?: number;
  relayOptions?: Partial<RelayOptions>;
  onFault: OnFault;
  observer?: MessagingObserver;
  /** Other parts made of ours, for tests that show what happens without them. */
  parts?: { inbox?: (ours: InboxStore) => InboxStore; outbox?: (ours: OutboxStore) => OutboxStore };
}

/** Commands to Redis that take longer have failed; what they carried goes again. */
const commandTimeoutMs = 10_000;
const housekeepingMs = 60_000;

/** The messaging of one service, wired: what it sends, what it receives, and what it keeps in between. */
export class Messaging {
  readonly unitOfWork: UnitOfWork;
  readonly server: BullMqServer;
  readonly deadLetters: DeadLetters;
  private readonly relay: Relay;
  private readonly acknowledger: Acknowledger;
  private readonly broker: BullMqBroker;
  private readonly outbox: PostgresOutbox;
  private readonly inbox: PostgresInbox;
  private readonly subscriber: Redis;
  private housekeeping: NodeJS.Timeout | undefined;

  constructor(private readonly options: MessagingOptions) {
    const { service, redisUrl, application, relay, onFault, observer = unobserved, parts } = options;
    this.outbox = new PostgresOutbox(relay);
    this.inbox = new PostgresInbox(relay);
    this.broker = new BullMqBroker(connectToRedis(redisUrl, `${service} sender`, commandTimeoutMs), onFault);
    this.relay = new Relay(
      parts?.outbox?.(this.outbox) ?? this.outbox,
      this.broker,
      systemClock,
      onFault,
      options.relayOptions,
      observer,
    );
    this.acknowledger = new Acknowledger(this.broker, systemClock, onFault);
    this.unitOfWork = new PostgresUnitOfWork(application, this.relay, service).run;
    this.deadLetters = new DeadLetters(relay, service);
    this.subscriber = connectToRedis(redisUrl, `${service} settled`);
    this.server = new BullMqServer({
      queues: queuesOf(service),
      concurrency: options.concurrency ?? 1,
      connect: (name) => connectToRedis(redisUrl, name),
      onFault,
      processor: (handlerOf) =>
        new PackProcessor({
          unitOfWork: this.unitOfWork,
          inbox: parts?.inbox?.(this.inbox) ?? this.inbox,
          broker: this.broker,
          acknowledger: this.acknowledger,
          clock: systemClock,
          handlerOf,
          isTransientFault,
          isDeadlock,
          onFault,
          observer,
        }),
    });
  }

  start(): void {
    const { service, onFault } = this.options;
    this.broker
      .onSettled(service, this.subscriber, (settled) => this.relay.settled(settled))
      .catch((error) => onFault('listening for what is settled', error));
    this.relay.start();
    this.housekeeping = setInterval(() => {
      Promise.all([this.outbox.collectOrphans(), this.inbox.prune()]).catch((error) =>
        this.options.onFault('housekeeping', error),
      );
    }, housekeepingMs);
  }

  /**
   * What stands still although the connections are well: queues whose worker does not ask for jobs, the relay when it does
   * not look for what is unsettled.
   */
  wedged(): string[] {
    const relay = this.broker.isConnected && this.relay.isWedged() ? ['relay'] : [];
    return [...this.server.wedged(), ...relay];
  }

  /** What waits in the queues of this service; rejects when Redis is away. */
  queueBacklogs(): Promise<QueueBacklog[]> {
    return this.broker.backlogs(queuesOf(this.options.service));
  }

  /** What this service has sent and receivers have not settled, by destination; those without any are left out. */
  outboxBacklogs(): Promise<OutboxBacklog[]> {
    return outboxBacklog(this.options.relay);
  }

  /** After the workers have been closed: tells what is settled, stops sending, hangs up. Bounded in time. */
  async stop(): Promise<void> {
    clearInterval(this.housekeeping);
    await within(1_500, this.acknowledger.flush());
    await within(1_500, this.relay.stop());
    this.subscriber.disconnect();
    await within(1_500, this.broker.close());
  }
}

/** Waits for something that may hang while Redis is away, but not for long. */
const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
};
