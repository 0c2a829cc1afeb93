export { Messaging, type MessagingOptions } from './messaging';
export { Handles } from './handles';
export { RethrowFilter } from './rethrow.filter';
export { NotYet, PoisonMessage } from './failures';
export {
  causeOf,
  newCause,
  type Cause,
  type Handler,
  type Message,
  type Publication,
  type Tx,
} from './message';
export { createMessagingTables, NameOutboxTypes1763720000000 } from './messaging.tables';
export { DeadLetters, type StoredDeadLetter, type WaitingDeadLetters } from './dead-letters';
export type { FaultyMessage, OnFault } from './fault';
export type { MessagingObserver, Outcome } from './observer';
export type { OutboxBacklog } from './outbox-backlog';
export type { QueueBacklog } from './queue-backlog';
export { childSpan, traceIdOf } from './trace-context';
export type { UnitOfWork } from './ports';
