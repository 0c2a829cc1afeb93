import type { JobType, QueueName } from '@countersign/contracts';

/**
 * How handling a message ended: its effect is committed (`done`), it had been received before (`repeated`), it is tried
 * again (`retried`), it goes again without counting a try because the database is away (`postponed`), or it is a dead letter
 * (`dead`).
 */
export type Outcome = 'done' | 'repeated' | 'retried' | 'postponed' | 'dead';

/** Hears what becomes of messages, for metrics. Called where messages are handled, so it must be quick and never throw. */
export interface MessagingObserver {
  /** Null for the type of what is no message that we know. */
  handled(queue: QueueName, type: JobType | null, outcome: Outcome, count: number): void;
  /** The handler of a type starts on so many messages; called back when it has ended, however it did. */
  handling(queue: QueueName, type: JobType, count: number): () => void;
  /** Messages that were not settled in time go to this queue again. */
  resent(queue: QueueName, count: number): void;
}

export const unobserved: MessagingObserver = {
  handled: () => undefined,
  handling: () => () => undefined,
  resent: () => undefined,
};
