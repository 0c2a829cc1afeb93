export { Messaging, type MessagingOptions } from './messaging';
export { Handles } from './handles';
export { RethrowFilter } from './rethrow.filter';
export { NotYet, PoisonMessage } from './failures';
export { causeOf, type Cause, type Handler, type Message, type Publication, type Tx } from './message';
export { createMessagingTables } from './messaging.tables';
export { DeadLetters, type StoredDeadLetter } from './dead-letters';
export { childSpan, traceIdOf } from './trace-context';
export type { UnitOfWork } from './ports';
