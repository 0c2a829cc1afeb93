import { DueSweeper } from '@countersign/due-sweeper';
import { newCause, type UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../clock';
import { claimDueRequests, nextDueAt, tellDueRequests } from './due-request.rows';

const mostAtOnce = 200;
/** Somebody else is at work on what is due. */
const busyMs = 500;

/** Tells of requests for which the clock has something to do: reminders, overdue tasks, escalations, expiry. */
@Injectable()
export class RequestTimers implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;

  constructor(
    private readonly clock: Clock,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for due requests'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  /** Requests have been committed that are due at these times. */
  expect(times: readonly (string | null)[]): void {
    const next = Math.min(...times.map((time) => (time === null ? Infinity : Date.parse(time))));
    if (next < Infinity) this.sweeper.wakeIn(next - this.clock.now().getTime());
  }

  private async sweep(): Promise<number | null> {
    const now = this.clock.now();
    const next = await this.everyWorkspace.everywhere(nextDueAt);
    if (next === null || next > now) return next && next.getTime() - now.getTime();
    const claimed = await this.everyWorkspace.everywhere((sql) => claimDueRequests(sql, now, mostAtOnce));
    if (claimed.length === 0) return busyMs;
    const workspaces = [...new Set(claimed.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, async (tx) => {
      for (const { id, workspace_id: workspaceId } of await tellDueRequests(tx, now, claimed)) {
        tx.publish({
          type: 'request.tick.v1',
          workspaceId,
          cause: newCause(),
          data: { requestId: id },
        });
      }
    });
    return 0;
  }
}
