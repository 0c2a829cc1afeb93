import type { Envelope, QueueName, ServiceName } from '@countersign/contracts';
import type { Broker, Clock, Settlement } from './ports';

/** How long settlements gather before they are told, in milliseconds: short, because the sender's window waits for them. */
const gatherMs = 20;

/**
 * Tells senders what has been settled, many at a time. Neither stored nor repeated: when an acknowledgement is
 * lost the message comes again, is found in the inbox, and is acknowledged again.
 */
export class Acknowledger {
  private readonly gathered = new Map<ServiceName, Settlement[]>();
  private timer: (() => void) | null = null;
  private telling: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly onFault: (what: string, error: unknown) => void,
  ) {}

  settled(queue: QueueName, envelopes: readonly Envelope[]): void {
    for (const { id, source } of envelopes) {
      const list = this.gathered.get(source) ?? [];
      list.push({ messageId: id, queue });
      this.gathered.set(source, list);
    }
    if (this.gathered.size > 0) this.timer ??= this.clock.after(gatherMs, () => this.tell());
  }

  /** Tells what is left; for an orderly shutdown. */
  async flush(): Promise<void> {
    this.timer?.();
    this.tell();
    await this.telling;
  }

  private tell(): void {
    this.timer = null;
    const batches = [...this.gathered];
    this.gathered.clear();
    this.telling = Promise.all(
      batches.map(([source, settlements]) =>
        this.broker
          .acknowledge(source, settlements)
          .catch((error) => this.onFault(`acknowledging to ${source}`, error)),
      ),
    );
  }
}
