import { randomUUID } from 'node:crypto';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DueSweeper } from '@countersign/due-sweeper';
import type { UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { LOG, Seldom, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Counter, Gauge, Registry } from 'prom-client';
import { AuditLog } from '../log/audit-log';
import { ExportStores } from './export-stores';
import { runSchedule } from './run-schedule';
import { claimSchedule, mostWaiting, renewLease } from './schedule.rows';

/** Well within a lease, in milliseconds. */
const renewEveryMs = 15_000;

/** Runs schedules when they are due, one at a time in each process. */
@Injectable()
export class ScheduleRunner implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;
  private readonly runs: Counter<'outcome'>;
  private stop = new AbortController();

  constructor(
    @Inject(LOG) log: Log,
    private readonly database: Database,
    @Inject(SWEEPER) private readonly relay: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly auditLog: AuditLog,
    private readonly stores: ExportStores,
    registry: Registry,
  ) {
    this.runs = new Counter({
      name: 'countersign_export_runs_total',
      help: 'Runs of export schedules.',
      labelNames: ['outcome'],
      registers: [registry],
    });
    const waiting = new Seldom(() => relay.everywhere(mostWaiting));
    new Gauge({
      name: 'countersign_export_waiting_entries',
      help: 'Entries of the log that the schedule which is the furthest behind has not exported yet.',
      registers: [registry],
      async collect() {
        const count = await waiting.ask();
        if (count === null) this.reset();
        else this.set(count);
      },
    });
    this.sweeper = new DueSweeper(
      () => this.look(),
      (error) => log.error({ err: error }, 'export schedules'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  /** A schedule was made, or goes on. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort(new Error('the service stops'));
    await this.sweeper.stop();
  }

  private async look(): Promise<number | null> {
    const lease = randomUUID();
    const due = await this.relay.everywhere((sql) => claimSchedule(sql, lease));
    if (!due) return null;
    const { database, unitOfWork, stores, auditLog: log } = this;
    const lost = new AbortController();
    const renew = () => this.relay.everywhere((sql) => renewLease(sql, due.id, lease));
    const renewing = setInterval(() => {
      renew().then(
        (isOurs) => isOurs || lost.abort(new Error('somebody else has the schedule')),
        () => undefined,
      );
    }, renewEveryMs);
    try {
      const stop = AbortSignal.any([this.stop.signal, lost.signal]);
      const outcome = await runSchedule(
        { log, database, unitOfWork, stores },
        { ...due, lease, renew, stop },
      );
      if (outcome !== 'left') this.runs.inc({ outcome });
    } finally {
      clearInterval(renewing);
    }
    return 0;
  }
}
