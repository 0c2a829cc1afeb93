import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '@countersign/persistence';
import { LOG, SWEEPER, type Log } from '@countersign/service-kit';
import { Waits } from '../waits/waits';
import { whichAreTasks } from './task.rows';

/** Lets calls wait for a task that is on its way into the read model. */
@Injectable()
export class TaskArrivals implements OnModuleDestroy {
  private readonly waits: Waits<string, true>;

  constructor(
    /** As the role that sees the ids of all workspaces and nothing else: a call waits no longer than there is hope. */
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) log: Log,
  ) {
    this.waits = new Waits(
      (waits) => this.look(waits.map(({ about }) => about)),
      (error) => log.warn({ err: error }, 'looking for tasks'),
    );
  }

  /** True once some workspace has the task; null when none has it after `patienceMs`. */
  wait(taskId: string, patienceMs: number): Promise<true | null> {
    return this.waits.wait(taskId, patienceMs);
  }

  /** These tasks have been stored. */
  arrived(taskIds: Iterable<string>): void {
    if (this.waits.size === 0) return;
    const arrived = new Set(taskIds);
    for (const { about, end } of this.waits) if (arrived.has(about)) end(true);
  }

  onModuleDestroy(): void {
    this.waits.close();
  }

  private async look(taskIds: readonly string[]): Promise<void> {
    this.arrived(await this.everyWorkspace.everywhere((sql) => whichAreTasks(sql, [...new Set(taskIds)])));
  }
}
