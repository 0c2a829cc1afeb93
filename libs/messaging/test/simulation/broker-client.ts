import type { Envelope, QueueName, ServiceName } from '@countersign/contracts';
import { jobIdOf } from '../../src/job-ids';
import type { Broker, Settlement } from '../../src/ports';
import type { Life } from './life';
import type { SimulatedBroker } from './simulated-broker';
import type { World } from './world';

const fault = (message: string): Error => Object.assign(new Error(message), { name: 'BrokerFault' });

/** As messaging.ts has it. */
const commandTimeoutMs = 10_000;

/**
 * A process's way to the broker, as ioredis goes it: commands wait while the broker is away, fail after their time
 * even though they may still be carried out, and are sent again when the connection broke before their answer.
 */
export class BrokerClient implements Broker {
  constructor(
    private readonly world: World,
    private readonly life: Life,
    private readonly broker: SimulatedBroker,
  ) {}

  send(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    this.note('send', queue, envelopes);
    return this.command(() => {
      if (this.broker.losesNextSend) {
        this.broker.losesNextSend = false;
        throw fault('connection lost before the command');
      }
      this.broker.add(queue, jobIdOf(envelopes), envelopes);
      // Another process may have had the same messages due: another job with the same content.
      if (this.world.mishap(0.03)) this.broker.add(queue, `ob-${envelopes[0]?.id}-twice`, envelopes);
    });
  }

  /** A pipeline is no transaction: the connection may break in the middle of it. */
  async resend(queue: QueueName, envelopes: readonly Envelope[]): Promise<void> {
    this.note('send again', queue, envelopes);
    const done = this.world.mishap(0.1) ? this.world.random.between(0, envelopes.length) : envelopes.length;
    await this.command(() => {
      for (const envelope of envelopes.slice(0, done))
        this.broker.add(queue, `ob-${envelope.id}`, [envelope]);
      if (done < envelopes.length) throw fault('connection lost in a pipeline');
    });
  }

  retryAlone(queue: QueueName, envelope: Envelope): Promise<void> {
    this.note('retry alone', queue, [envelope]);
    return this.command(() =>
      this.broker.add(queue, `ob-${envelope.id}-alone`, [envelope], this.broker.backoff([envelope], 1)),
    );
  }

  acknowledge(source: ServiceName, settlements: readonly Settlement[]): Promise<void> {
    this.world.note(
      () =>
        `${this.life.name}: acknowledge ${settlements.map(({ messageId }) => this.world.name(messageId)).join(' ')}`,
    );
    return this.command(() => this.broker.publish(source, settlements));
  }

  async epoch(): Promise<string> {
    const known = await this.command(() => this.broker.epoch);
    if (known !== null) return known;
    const made = this.newEpoch();
    await this.command(() => void (this.broker.epoch ??= made));
    return (await this.command(() => this.broker.epoch)) ?? this.newEpoch();
  }

  /** A command that waits as long as it takes: a worker's. */
  patient<T>(serve: () => T | Promise<T>): Promise<T> {
    return this.life.call(async () => {
      while (this.broker.isAway) await this.broker.whenBack;
      return serve();
    });
  }

  private newEpoch(): string {
    return `epoch ${this.world.random.between(0, 1e9)}`;
  }

  private command<T>(serve: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.life
        .call(() => {
          if (!this.broker.isAway) return this.serve(serve);
          this.life.later(commandTimeoutMs, () => reject(fault('Command timed out')));
          return this.broker.whenBack.then(() => this.serve(serve));
        })
        .then(resolve, reject);
    });
  }

  private serve<T>(serve: () => T): T {
    if (this.world.mishap(0.005)) throw fault('connection lost before the command');
    const answer = serve();
    if (this.world.mishap(0.005)) throw fault('connection lost after the command');
    return this.world.mishap(0.005) ? serve() : answer;
  }

  private note(what: string, queue: QueueName, envelopes: readonly Envelope[]): void {
    this.world.count(envelopes.length > 1 ? `${what}, several` : what);
    this.world.note(
      () =>
        `${this.life.name}: ${what} to ${queue}: ${envelopes.map(({ id }) => this.world.name(id)).join(' ')}`,
    );
  }
}
