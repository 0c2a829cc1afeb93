import type { JobType } from '@countersign/contracts';
import { EventPattern } from '@nestjs/microservices';
import type { Message, Tx } from './message';

/** Marks the controller method that handles a job type; the compiler checks its parameters against the contract. */
export const Handles =
  <K extends JobType>(type: K) =>
  (
    target: object,
    key: string,
    descriptor: TypedPropertyDescriptor<(messages: Message<K>[], tx: Tx) => Promise<void>>,
  ): void =>
    void (EventPattern(type) as MethodDecorator)(target, key, descriptor);
