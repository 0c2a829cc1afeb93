import type { JobType } from '@countersign/contracts';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { Message, Tx } from './message';

/** Marks the controller method that handles a job type; the compiler checks its parameters against the contract. */
export const Handles =
  <K extends JobType>(type: K) =>
  (
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<(messages: Message<K>[], tx: Tx) => Promise<void>>,
  ): void => {
    (EventPattern(type) as MethodDecorator)(target, key, descriptor);
    // Without these Nest would pass the messages and leave out the transaction.
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
  };
