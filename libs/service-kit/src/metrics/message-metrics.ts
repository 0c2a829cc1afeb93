import {
  jobsOf,
  queueOwner,
  queuesOf,
  type JobType,
  type QueueName,
  type ServiceName,
} from '@countersign/contracts';
import type { MessagingObserver, Outcome } from '@countersign/messaging';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** As the type of what is no message that we know: what others write must not become series. */
export const unknownType = 'unknown';

const outcomes: readonly Outcome[] = ['done', 'repeated', 'retried', 'postponed', 'dead'];
/** In seconds: a handler is one or two round trips to PostgreSQL, and a statement may take up to 30 s. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts what becomes of messages in this process. */
export class MessageMetrics implements MessagingObserver {
  private readonly messages: Counter<'queue' | 'type' | 'outcome'>;
  private readonly active: Gauge<'queue' | 'type'>;
  private readonly seconds: Histogram<'queue' | 'type'>;
  private readonly resends: Counter<'queue'>;

  constructor(registry: Registry, service: ServiceName) {
    const registers = [registry];
    this.messages = new Counter({
      name: 'countersign_messages_handled_total',
      help: 'Messages handled by this process, by what became of them: done, repeated (received before), retried (each try that failed), postponed (once a second while the database is away), dead (a dead letter).',
      labelNames: ['queue', 'type', 'outcome'],
      registers,
    });
    this.active = new Gauge({
      name: 'countersign_messages_active',
      help: 'Messages that handlers of this process are working on.',
      labelNames: ['queue', 'type'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'countersign_handler_duration_seconds',
      help: 'Time a handler took for the messages of its type in one job, without the COMMIT.',
      labelNames: ['queue', 'type'],
      buckets,
      registers,
    });
    this.resends = new Counter({
      name: 'countersign_outbox_resent_total',
      help: 'Messages that the relay of this process has sent again, because they were not settled in time.',
      labelNames: ['queue'],
      registers,
    });
    this.startAtZero(service);
  }

  handled(queue: QueueName, type: JobType | null, outcome: Outcome, count: number): void {
    this.messages.inc({ queue, type: type ?? unknownType, outcome }, count);
  }

  handling(queue: QueueName, type: JobType, count: number): () => void {
    this.active.inc({ queue, type }, count);
    const end = this.seconds.startTimer({ queue, type });
    return () => {
      this.active.dec({ queue, type }, count);
      end();
    };
  }

  resent(queue: QueueName, count: number): void {
    this.resends.inc({ queue }, count);
  }

  /** A series that begins with its first event hides that event from rate() and increase(). */
  private startAtZero(service: ServiceName): void {
    for (const queue of queuesOf(service)) {
      for (const type of jobsOf(queue)) {
        for (const outcome of outcomes) this.messages.inc({ queue, type, outcome }, 0);
        this.active.set({ queue, type }, 0);
        this.seconds.zero({ queue, type });
      }
      this.messages.inc({ queue, type: unknownType, outcome: 'dead' }, 0);
    }
    for (const queue of Object.keys(queueOwner)) this.resends.inc({ queue }, 0);
  }
}
