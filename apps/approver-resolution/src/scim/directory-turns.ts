import { Problem } from '@countersign/service-kit';
import type { DirectoryLock } from '../directory/lock-directory';

/** Changes of one workspace that are under way at once: each has a connection of the pool, which is for all workspaces. */
const mostAtOnce = 4;

/** Others have the directory for longer than a change waits. */
export const tooBusy = (): Problem =>
  new Problem('unavailable', 'Other changes of the directory take long. Try again.', {
    headers: { 'retry-after': '1' },
  });

interface Waiting {
  lock: DirectoryLock;
  start: () => void;
}

interface Line {
  running: number;
  isExclusive: boolean;
  waiting: Waiting[];
}

/**
 * Lets the changes of a workspace's directory begin in their order: those that share the lock a few at a time, one that needs
 * it alone when all are done. Who would only wait for the lock waits here, without a connection. The lock itself is the
 * database's: there are other processes.
 */
export class DirectoryTurns {
  private readonly lines = new Map<string, Line>();

  constructor(private readonly patienceMs: number) {}

  /** Throws Problem unavailable for who does not get a turn in time. */
  async take<T>(workspaceId: string, lock: DirectoryLock, run: () => Promise<T>): Promise<T> {
    const line = this.lines.get(workspaceId) ?? { running: 0, isExclusive: false, waiting: [] };
    this.lines.set(workspaceId, line);
    await this.turn(line, lock);
    try {
      return await run();
    } finally {
      line.running--;
      line.isExclusive = false;
      advance(line);
      if (line.running === 0) this.lines.delete(workspaceId);
    }
  }

  private turn(line: Line, lock: DirectoryLock): Promise<void> {
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        lock,
        start: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        line.waiting = line.waiting.filter((other) => other !== one);
        advance(line);
        reject(tooBusy());
      }, this.patienceMs);
      line.waiting.push(one);
      advance(line);
    });
  }
}

const advance = (line: Line): void => {
  for (let next = line.waiting[0]; next && fits(line, next); next = line.waiting[0]) {
    line.waiting.shift();
    line.running++;
    line.isExclusive = next.lock === 'exclusive';
    next.start();
  }
};

const fits = ({ running, isExclusive }: Line, { lock }: Waiting): boolean =>
  lock === 'exclusive' ? running === 0 : !isExclusive && running < mostAtOnce;
