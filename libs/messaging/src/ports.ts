import type { Envelope, QueueName, ServiceName } from '@countersign/contracts';
import type { Tx } from './message';

/*
 * What the core of the messaging needs of PostgreSQL, Redis and time. The protocol (relay, acknowledger,
 * pack processor) is written against these, so that it can be run against parts that crash, repeat and reorder.
 */

export interface Settlement {
  messageId: string;
  queue: QueueName;
}

/** A message for one queue that was not settled in time. */
export interface OverdueMessage {
  envelope: Envelope;
  /** The size of the envelope as JSON. */
  bytes: number;
  queue: QueueName;
  /** How often it has been sent again since it was last known to be lost. */
  resends: number;
}

export interface OutboxStore {
  /**
   * Messages whose lease has run out, leased anew with a growing delay: at most `limit` destinations, and no more once
   * they have `mostBytes` together.
   */
  claimDue(limit: number, mostBytes: number): Promise<OverdueMessage[]>;
  /** The receivers have settled these: nothing of them is kept. */
  forget(settlements: readonly Settlement[]): Promise<void>;
  /** Makes everything unsettled due at once, as if it had never been sent again. */
  makeAllDue(): Promise<void>;
  /** Remembers the broker's epoch; true for exactly one caller when it differs from the one remembered. */
  adoptEpoch(epoch: string): Promise<boolean>;
}

export interface Broker {
  /** Sends messages to one queue as one job (a pack), or a single one with its own retry policy. */
  send(queue: QueueName, envelopes: readonly Envelope[]): Promise<void>;
  /** Sends messages again, each as its own job: one that is still waiting from an earlier time is not doubled. */
  resend(queue: QueueName, envelopes: readonly Envelope[]): Promise<void>;
  /** Puts one message that failed in a pack back as its own job, after the first delay of its policy. */
  retryAlone(queue: QueueName, envelope: Envelope): Promise<void>;
  /** Tells a sender what has been settled. Unreliable by design: an unacknowledged message is sent again. */
  acknowledge(source: ServiceName, settlements: readonly Settlement[]): Promise<void>;
  /** A random value that lives in the broker's memory: another value means that its content was lost. */
  epoch(): Promise<string>;
}

export interface InboxStore {
  /** Records the messages as received in this transaction and returns the ids that were not received before. */
  admit(tx: Tx, queue: QueueName, messages: readonly Envelope[]): Promise<Set<string>>;
  /** Settles a message that cannot be handled: kept for people to look at and replay. */
  bury(queue: QueueName, letter: DeadLetter): Promise<void>;
}

export interface DeadLetter {
  /** Null when what arrived was not even an envelope. */
  envelope: Envelope | null;
  raw: unknown;
  error: string;
  attempts: number;
}

export type UnitOfWork = <T>(workspaceIds: readonly string[], work: (tx: Tx) => Promise<T>) => Promise<T>;

export interface Clock {
  now(): number;
  /** Calls back once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    // What is only waiting keeps no process alive: it is all in the database.
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
