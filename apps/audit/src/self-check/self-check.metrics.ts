import { Seldom } from '@countersign/service-kit';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Totals } from './self-check.rows';

/** Counts what this process checks, and tells of all logs when somebody scrapes: all processes tell the same. */
export class SelfCheckMetrics {
  private readonly examined: Counter;

  constructor(registry: Registry, readTotals: () => Promise<Totals>) {
    this.examined = new Counter({
      name: 'countersign_selfcheck_entries_total',
      help: 'Entries of the audit log that the self-check of this process has looked at.',
      registers: [registry],
    });
    const totals = new Seldom(readTotals);
    const gauge = (name: string, help: string, valueOf: (of: Totals) => number) => {
      new Gauge({
        name: `countersign_selfcheck_${name}`,
        help,
        registers: [registry],
        async collect() {
          const found = await totals.ask();
          this.reset();
          if (found) this.set(valueOf(found));
          else this.remove();
        },
      });
    };
    gauge(
      'verified_entries',
      'Entries of all logs up to which the self-check has come.',
      ({ verified }) => verified,
    );
    gauge(
      'findings',
      'What the self-check has found to be wrong in all logs and nobody has acknowledged.',
      ({ findings }) => findings,
    );
    gauge(
      'oldest_seconds',
      'How long ago the log that has waited longest for it was checked for what is new.',
      ({ oldestCheck }) => secondsSince(oldestCheck),
    );
    gauge(
      'oldest_pass_seconds',
      'How long ago the log that has waited longest for it was checked as a whole.',
      ({ oldestPass }) => secondsSince(oldestPass),
    );
  }

  looked(entries: number): void {
    this.examined.inc(entries);
  }
}

const secondsSince = (at: Date | null): number => (at ? Math.max(0, (Date.now() - at.getTime()) / 1e3) : 0);
