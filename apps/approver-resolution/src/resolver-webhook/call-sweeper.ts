import { DueSweeper } from '@countersign/due-sweeper';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { announceNext, claimDueCalls } from './resolver-call.store';

/** A call that another process left behind, or has planned, waits this long for its turn at most, in milliseconds. */
const lookMs = 500;
const mostAtOnce = 100;

/** Announces calls whose next attempt is due, and those whose process died in the middle of one. */
@Injectable()
export class CallSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly looks: DueSweeper;

  constructor(
    @Inject(SWEEPER) private readonly sweeper: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.looks = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for due resolver calls'),
    );
  }

  onApplicationBootstrap(): void {
    this.looks.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.looks.stop();
  }

  private async sweep(): Promise<number> {
    const due = await claimDueCalls(this.sweeper, mostAtOnce);
    if (due.length === 0) return lookMs;
    const workspaces = [...new Set(due.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, (tx) => announceNext(tx, due));
    return due.length === mostAtOnce ? 0 : lookMs;
  }
}
