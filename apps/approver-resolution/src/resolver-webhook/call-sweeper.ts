import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { announceNext, claimDueCalls } from './resolver-call.store';

const lookMs = 500;
const mostAtOnce = 100;

/** Announces calls whose next attempt is due, and those whose process died in the middle of one. */
@Injectable()
export class CallSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(SWEEPER) private readonly sweeper: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.sweeping;
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep()
        .catch((error: unknown) => this.log.warn({ err: error }, 'looking for due resolver calls'))
        .finally(() => this.schedule());
    }, lookMs);
  }

  private async sweep(): Promise<void> {
    for (let found = mostAtOnce; found === mostAtOnce && !this.stopped;) {
      const due = await claimDueCalls(this.sweeper, mostAtOnce);
      found = due.length;
      if (found === 0) return;
      const workspaces = [...new Set(due.map(({ workspaceId }) => workspaceId))];
      await this.unitOfWork(workspaces, (tx) => announceNext(tx, due));
    }
  }
}
