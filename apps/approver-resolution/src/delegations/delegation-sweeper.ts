import { DueSweeper } from '@countersign/due-sweeper';
import type { UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { claimMoments, nextMomentAt, tellMoments } from './delegation.moments';

const mostAtOnce = 200;
/** Somebody else is at work on what is due. */
const busyMs = 500;

/** Tells routing when delegations and absences begin and end. */
@Injectable()
export class DelegationSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for delegations that begin or end'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  /** A delegation has been committed that begins, or is gone, at this time. */
  expect(at: Date): void {
    this.sweeper.wakeIn(Math.max(0, at.getTime() - Date.now()));
  }

  private async sweep(): Promise<number | null> {
    const now = new Date();
    const next = await this.everyWorkspace.everywhere(nextMomentAt);
    if (next === null || next > now) return next && next.getTime() - now.getTime();
    const claimed = await this.everyWorkspace.everywhere((sql) => claimMoments(sql, now, mostAtOnce));
    if (claimed.length === 0) return busyMs;
    const workspaces = [...new Set(claimed.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, (tx) => tellMoments(tx, claimed));
    return 0;
  }
}
