import { Handles, type Message, type Tx } from '@countersign/messaging';
import { Controller } from '@nestjs/common';
import { DeliveryDispatcher } from './delivery-dispatcher';
import { leaseDeliveries } from './lease-deliveries';

/** Leases deliveries for an attempt; the calls are made after the commit, outside of every transaction. */
@Controller()
export class AttemptController {
  constructor(private readonly dispatcher: DeliveryDispatcher) {}

  @Handles('delivery.attempt.v1')
  async attempt(messages: Message<'delivery.attempt.v1'>[], tx: Tx): Promise<void> {
    const leasedAt = Date.now();
    const traces = new Map(messages.map(({ data, traceparent }) => [data.deliveryId, traceparent]));
    const leased = await leaseDeliveries(
      tx,
      messages.map(({ data }) => data),
    );
    tx.afterCommit(() => {
      for (const delivery of leased)
        this.dispatcher.dispatch(delivery, traces.get(delivery.id) ?? null, leasedAt);
    });
  }
}
