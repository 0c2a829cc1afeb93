import { Injectable } from '@nestjs/common';

/** Lets calls for a task wait until this process has stored it; what another replica stores is not heard of here. */
@Injectable()
export class TaskArrivals {
  private readonly waiting = new Map<string, Set<() => void>>();

  /** Settles when the task arrives, or after `patienceMs`. */
  wait(taskId: string, patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.waiting.get(taskId) ?? new Set();
      this.waiting.set(taskId, waiters);
      const done = () => {
        clearTimeout(timer);
        waiters.delete(done);
        if (waiters.size === 0 && this.waiting.get(taskId) === waiters) this.waiting.delete(taskId);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      waiters.add(done);
    });
  }

  arrived(taskIds: Iterable<string>): void {
    if (this.waiting.size === 0) return;
    for (const id of taskIds) for (const done of [...(this.waiting.get(id) ?? [])]) done();
  }
}
