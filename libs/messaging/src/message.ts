import type { Envelope, JobData, JobType, QueueName } from '@countersign/contracts';
import type { TransactionSql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { childSpan } from './trace-context';

/** A message as a handler gets it. */
export type Message<K extends JobType = JobType> = Envelope<JobData<K>> & { type: K };

/** What a new message follows from, so that one outside call can be followed through every hop. */
export interface Cause {
  correlationId: string;
  causationId: string | null;
  traceparent: string | null;
}

export const causeOf = (envelope: Envelope): Cause => ({
  correlationId: envelope.correlationId,
  causationId: envelope.id,
  traceparent: childSpan(envelope.traceparent),
});

/** Of what nobody's call has set in motion. */
export const newCause = (): Cause => ({ correlationId: v7(), causationId: null, traceparent: null });

export interface Publication<K extends JobType> {
  type: K;
  workspaceId: string;
  data: JobData<K>;
  cause: Cause;
  /** Default: every queue that the catalogue names for the type. */
  to?: readonly QueueName[];
  /** So long, in milliseconds, nobody minds when it waits for others that go the same way. Default: not at all. */
  patienceMs?: number;
}

/** An envelope with the queues it still has to reach. */
export interface OutgoingMessage {
  envelope: Envelope;
  /** The size of the envelope as JSON. */
  bytes: number;
  queues: readonly QueueName[];
  patienceMs?: number;
}

/**
 * One transaction: its statements, the messages that leave if and only if it commits, and what may only
 * start afterwards (never a send: a crash would lose it).
 */
export interface Tx extends TransactionSql {
  publish<K extends JobType>(publication: Publication<K>): void;
  afterCommit(work: () => void): void;
}

/** Handles all messages of one type in a pack, in one transaction. Throwing makes each be tried alone. */
export type Handler<K extends JobType = JobType> = (messages: Message<K>[], tx: Tx) => Promise<void>;
