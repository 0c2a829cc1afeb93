import type { QueueName } from '@countersign/contracts';
import { Postpone } from '../../src/failures';
import type { PackProcessor } from '../../src/pack-processor';
import type { BrokerClient } from './broker-client';
import type { Life } from './life';
import type { Outcome, SimulatedBroker, TakenJob } from './simulated-broker';
import type { World } from './world';

/** Takes one job after the other from a queue, as a BullMQ worker with the callback of bullmq.server.ts does. */
export class Worker {
  isBusy = false;
  private isStopping = false;
  private inHand: Promise<void> = Promise.resolve();

  constructor(
    private readonly world: World,
    private readonly life: Life,
    private readonly broker: SimulatedBroker,
    private readonly client: BrokerClient,
    private readonly queue: QueueName,
    private readonly processor: PackProcessor,
  ) {}

  start(): void {
    void this.loop();
  }

  /** Takes no further job, and lets the one in hand be finished. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.inHand;
  }

  private async loop(): Promise<void> {
    while (!this.isStopping) {
      const taken = await this.client.patient(() => this.broker.take(this.queue, this.life));
      this.inHand = this.handle(taken);
      await this.inHand;
    }
  }

  private async handle({ job, lock, attemptsMade, stalls }: TakenJob): Promise<void> {
    const { world, life, queue } = this;
    world.note(() => `${life.name}: takes ${this.broker.nameOf(job)}`);
    this.isBusy = true;
    const outcome = await this.processor
      .process(queue, job.messages, { made: attemptsMade, allowed: job.attempts, stalls })
      .then(
        (): Outcome => 'completed',
        (error: unknown): Outcome => (error instanceof Postpone ? 'postponed' : 'failed'),
      );
    world.note(() => `${life.name}: ${outcome} ${this.broker.nameOf(job)}`);
    this.isBusy = false;
    await this.client.patient(() => this.broker.finish(queue, job, lock, outcome));
  }
}
