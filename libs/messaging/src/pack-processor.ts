import { isUuid, type Envelope, type JobType, type QueueName } from '@countersign/contracts';
import type { Acknowledger } from './acknowledger';
import { NotYet, PoisonMessage, Postpone } from './failures';
import { faultyMessageOf, type OnFault } from './fault';
import type { Handler, Message, Tx } from './message';
import type { MessagingObserver, Outcome } from './observer';
import type { Broker, Clock, InboxStore, UnitOfWork } from './ports';
import { isTooOld } from './inbox.store';
import { checkEnvelope } from './validation';

/** The tries that a job of one message has had and may have. */
export interface Tries {
  made: number;
  allowed: number;
  /** How often a worker has vanished with the job in hand: it may be what killed it. */
  stalls?: number;
}

/** So many workers may vanish before the job is taken apart, or buried when it is a single message. */
const suspiciousStalls = 6;

/** Undoes a transaction in which messages were handled that had been received before. */
class KnownMessages extends Error {
  constructor(readonly others: readonly Message[]) {
    super('some messages had been received before');
  }
}

export interface PackProcessorParts {
  unitOfWork: UnitOfWork;
  inbox: InboxStore;
  broker: Broker;
  acknowledger: Acknowledger;
  clock: Clock;
  handlerOf: (type: JobType) => Handler | undefined;
  isTransientFault: (error: unknown) => boolean;
  isDeadlock: (error: unknown) => boolean;
  onFault: OnFault;
  observer: MessagingObserver;
}

/**
 * Handles the messages of one job. A pack never fails as a whole: first all together in one transaction; if
 * that fails each alone, where what succeeds commits and what fails goes on as a job of its own.
 *
 * Throws Postpone when the database is away, and the message's own error when a job of one should be retried.
 */
export class PackProcessor {
  constructor(private readonly parts: PackProcessorParts) {}

  async process(queue: QueueName, raw: unknown, tries: Tries): Promise<void> {
    const left = new Set(await this.readable(queue, raw));
    try {
      await this.settleAll(queue, left, tries);
    } catch (error) {
      if (error instanceof Postpone) this.count(queue, 'postponed', [...left]);
      throw error;
    }
  }

  /** Takes those out of `left` that need not be looked at again should the job be postponed. */
  private async settleAll(queue: QueueName, left: Set<Message>, tries: Tries): Promise<void> {
    const messages = [...left];
    const [only] = messages;
    if (!only) return;
    if ((tries.stalls ?? 0) >= suspiciousStalls) return this.takeApart(queue, messages, tries);
    if (messages.length === 1) return this.alone(queue, only, tries);
    try {
      await this.together(queue, messages);
    } catch (error) {
      if (this.parts.isTransientFault(error)) throw new Postpone('database away', { cause: error });
      for (const message of messages) {
        await this.fromPack(queue, message);
        left.delete(message);
      }
    }
  }

  /** Workers have died of this job: each message goes on alone, and one that already was alone is a dead letter. */
  private async takeApart(queue: QueueName, messages: readonly Message[], tries: Tries): Promise<void> {
    const [only] = messages;
    if (only && messages.length === 1) {
      return this.bury(
        queue,
        only,
        new PoisonMessage('its worker has died of it again and again'),
        tries.made + 1,
      );
    }
    for (const message of messages) await this.retryAlone(queue, message);
  }

  private async readable(queue: QueueName, raw: unknown): Promise<Message[]> {
    const parcels = Array.isArray(raw) ? raw : [raw];
    const messages = new Map<string, Message>();
    for (const parcel of parcels) {
      try {
        const message = checkEnvelope(parcel) as Message;
        if (isTooOld(message.id, this.parts.clock.now()))
          throw new PoisonMessage('older than the inbox remembers');
        messages.set(message.id, message);
      } catch (error) {
        await this.bury(queue, parcel, error, 1);
      }
    }
    return [...messages.values()];
  }

  /**
   * All or nothing: inbox, effects and outgoing messages of the whole list in one transaction. Packs that touch the same
   * requests by different jobs may wait for each other in a circle; PostgreSQL then ends one, which simply goes again.
   */
  private async together(queue: QueueName, messages: readonly Message[], again = 3): Promise<void> {
    let done: readonly Message[];
    try {
      done = await this.inOneTransaction(queue, messages);
    } catch (error) {
      if (again === 0 || !this.parts.isDeadlock(error)) throw error;
      return this.together(queue, messages, again - 1);
    }
    this.parts.acknowledger.settled(queue, messages);
    this.count(queue, 'done', done);
    if (done.length < messages.length) {
      this.count(
        queue,
        'repeated',
        messages.filter((message) => !done.includes(message)),
      );
    }
  }

  /**
   * Nearly every message comes once. So the handlers do not wait for the inbox, which is asked in the same round trip; when
   * it knows some of the messages, what has been done is undone, and the others are handled without them. Answers those that
   * it did not know.
   */
  private async inOneTransaction(
    queue: QueueName,
    messages: readonly Message[],
  ): Promise<readonly Message[]> {
    const workspaces = [...new Set(messages.map(({ workspaceId }) => workspaceId))];
    try {
      await this.parts.unitOfWork(workspaces, async (tx) => {
        const [admission, handling] = await Promise.allSettled([
          this.parts.inbox.admit(tx, queue, messages),
          this.handle(queue, messages, tx),
        ]);
        if (admission.status === 'rejected') throw admission.reason;
        const fresh = messages.filter(({ id }) => admission.value.has(id));
        if (fresh.length < messages.length) throw new KnownMessages(fresh);
        if (handling.status === 'rejected') throw handling.reason;
      });
      return messages;
    } catch (error) {
      if (!(error instanceof KnownMessages)) throw error;
      return error.others.length > 0 ? this.inOneTransaction(queue, error.others) : [];
    }
  }

  private async fromPack(queue: QueueName, message: Message): Promise<void> {
    try {
      await this.together(queue, [message]);
    } catch (error) {
      if (this.parts.isTransientFault(error)) throw new Postpone('database away', { cause: error });
      if (error instanceof PoisonMessage) return this.bury(queue, message, error, 1);
      if (!(error instanceof NotYet)) {
        this.parts.onFault(`handling ${message.type} ${message.id}`, error, faultyMessageOf(message));
      }
      // If this is lost the message is unsettled, and its sender sends it again.
      await this.retryAlone(queue, message).catch((fault) =>
        this.parts.onFault(`retrying on ${queue}`, fault, faultyMessageOf(message)),
      );
    }
  }

  private async retryAlone(queue: QueueName, message: Message): Promise<void> {
    await this.parts.broker.retryAlone(queue, message);
    this.count(queue, 'retried', [message]);
  }

  private async handle(queue: QueueName, messages: readonly Message[], tx: Tx): Promise<void> {
    const byType = new Map<JobType, Message[]>();
    for (const message of messages) byType.set(message.type, [...(byType.get(message.type) ?? []), message]);
    for (const [type, list] of byType) {
      const handler = this.parts.handlerOf(type);
      if (!handler) throw new PoisonMessage(`${queue} has no handler for ${type}`);
      const ended = this.parts.observer.handling(queue, type, list.length);
      try {
        await handler(list, tx);
      } finally {
        ended();
      }
    }
  }

  private async alone(queue: QueueName, message: Message, tries: Tries): Promise<void> {
    try {
      await this.together(queue, [message]);
    } catch (error) {
      if (this.parts.isTransientFault(error)) throw new Postpone('database away', { cause: error });
      const isLast = tries.made + 1 >= tries.allowed;
      if (error instanceof NotYet) {
        this.count(queue, 'retried', [message]);
        if (isLast) return;
        throw error;
      }
      this.parts.onFault(
        `handling ${message.type} ${message.id}, try ${tries.made + 1} of ${tries.allowed}`,
        error,
        faultyMessageOf(message),
      );
      if (error instanceof PoisonMessage || isLast) return this.bury(queue, message, error, tries.made + 1);
      this.count(queue, 'retried', [message]);
      throw error;
    }
  }

  /** Settles what cannot be handled as a dead letter, and tells its sender when there is one. */
  private async bury(queue: QueueName, parcel: unknown, error: unknown, attempts: number): Promise<void> {
    const envelope = addressOf(parcel);
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    try {
      await this.parts.inbox.bury(queue, { envelope, raw: parcel, error: text, attempts });
    } catch (fault) {
      if (this.parts.isTransientFault(fault)) throw new Postpone('database away', { cause: fault });
      throw fault;
    }
    if (envelope) this.parts.acknowledger.settled(queue, [envelope]);
    const message = envelope ? faultyMessageOf(envelope) : undefined;
    this.parts.observer.handled(queue, message?.type ?? null, 'dead', 1);
    this.parts.onFault(`dead letter ${message?.messageId ?? 'of nobody'} on ${queue}`, error, message);
  }

  private count(queue: QueueName, outcome: Outcome, messages: readonly Message[]): void {
    const byType = new Map<JobType, number>();
    for (const { type } of messages) byType.set(type, (byType.get(type) ?? 0) + 1);
    for (const [type, count] of byType) this.parts.observer.handled(queue, type, outcome, count);
  }
}

/** The parcel as an envelope if at least its id, workspace and sender can be read, whatever is wrong with the rest. */
const addressOf = (parcel: unknown): Envelope | null => {
  if (typeof parcel !== 'object' || parcel === null) return null;
  const { id, workspaceId, source, type } = parcel as Record<string, unknown>;
  const readable = [id, workspaceId].every((value) => typeof value === 'string' && isUuid(value));
  return readable && typeof source === 'string' && typeof type === 'string' ? (parcel as Envelope) : null;
};
