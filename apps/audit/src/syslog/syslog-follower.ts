import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DueSweeper } from '@countersign/due-sweeper';
import { Database } from '@countersign/persistence';
import { CONFIG, LOG, Seldom, SWEEPER, type Log, type ServiceConfig } from '@countersign/service-kit';
import { Counter, Gauge, Registry } from 'prom-client';
import { countWaiting } from './stream.rows';
import { SyslogStream } from './syslog-stream';
import { readSyslogSettings } from './syslog.settings';

const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;

/** Streams the logs to the deployment's syslog receiver, beside everything else: nothing waits for it. */
@Injectable()
export class SyslogFollower implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stream: SyslogStream | null = null;
  private readonly sweeper: DueSweeper | null = null;
  private readonly failures: Counter | null = null;
  /** Since something has last arrived. */
  private pauseMs = 0;
  private notBefore = 0;

  constructor(
    @Inject(CONFIG) config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
    database: Database,
    @Inject(SWEEPER) relay: Database,
    registry: Registry,
  ) {
    const settings = readSyslogSettings(config.env, config.publicUrl);
    if (!settings) return;
    const registers = [registry];
    const entries = new Counter({
      name: 'countersign_syslog_entries_total',
      help: 'Entries of the log that the syslog receiver has taken.',
      registers,
    });
    this.failures = new Counter({
      name: 'countersign_syslog_failures_total',
      help: 'Connections to the syslog receiver that failed; what went over them is sent again.',
      registers,
    });
    const waiting = new Seldom(() => relay.everywhere((sql) => countWaiting(sql, settings.workspaces)));
    new Gauge({
      name: 'countersign_syslog_waiting_entries',
      help: 'Entries of the log that the syslog receiver has not taken yet.',
      registers,
      async collect() {
        const count = await waiting.ask();
        if (count === null) this.reset();
        else this.set(count);
      },
    });
    const pruned = new Counter({
      name: 'countersign_syslog_pruned_entries_total',
      help: 'Entries of the log that were pruned before the syslog receiver took them: it never gets them.',
      registers,
    });
    this.stream = new SyslogStream(settings, database, relay, (arrived) => {
      entries.inc(arrived.entries);
      pruned.inc(arrived.pruned);
      if (arrived.pruned > 0) log.warn({ entries: arrived.pruned }, 'pruned before syslog could send them');
      this.pauseMs = 0;
    });
    this.sweeper = new DueSweeper(
      () => this.look(),
      (error) => log.error({ err: error }, 'syslog'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper?.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper?.stop();
    await this.stream?.settle().catch((error: Error) => this.log.warn({ reason: error.message }, 'syslog'));
  }

  private async look(): Promise<number | null> {
    const left = this.notBefore - Date.now();
    if (left > 0 || !this.stream) return left;
    try {
      return (await this.stream.advance()) ? 0 : null;
    } catch (error) {
      this.pauseMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, this.pauseMs * 2));
      this.notBefore = Date.now() + this.pauseMs;
      this.failures?.inc();
      const { message: reason } = error as Error;
      this.log.warn({ reason, againInMs: this.pauseMs }, 'the syslog receiver did not take the log');
      return this.pauseMs;
    }
  }
}
