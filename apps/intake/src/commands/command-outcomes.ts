import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { RefusedCommand } from '@countersign/contracts';
import { Database } from '@countersign/persistence';
import { LOG, type Log } from '@countersign/service-kit';

export interface CommandOutcome {
  id: string;
  requestId: string;
  state: 'done' | 'refused';
  refused: RefusedCommand | null;
}

/** How often a process looks for outcomes that another replica has received, while anybody waits. */
const lookMs = 50;

interface Waiter {
  workspaceId: string;
  requestId: string;
  commandId: string;
  resolve: (outcome: CommandOutcome | null) => void;
}

/**
 * Lets HTTP calls wait for the outcome of their command. One query looks for all that this process waits for: at
 * once when this process has stored an outcome, and every few milliseconds for those that another replica stored.
 */
@Injectable()
export class CommandOutcomes implements OnModuleDestroy {
  /** Several calls may wait for one command: duplicates of it with the same Idempotency-Key. */
  private readonly waiting = new Set<Waiter>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private again = false;

  constructor(
    private readonly database: Database,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** The outcome, once the read model shows it too; null when it has not come within `patienceMs`. */
  wait(
    { workspaceId, requestId, commandId }: { workspaceId: string; requestId: string; commandId: string },
    patienceMs: number,
  ): Promise<CommandOutcome | null> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        workspaceId,
        requestId,
        commandId,
        resolve: (outcome) => {
          clearTimeout(timeout);
          this.waiting.delete(waiter);
          resolve(outcome);
        },
      };
      const timeout = setTimeout(() => waiter.resolve(null), patienceMs);
      this.waiting.add(waiter);
      this.timer ??= setInterval(() => this.look(), lookMs);
    });
  }

  /** Something about these requests has been stored: looks at once when somebody waits for one of them. */
  stored(requestIds: Iterable<string>): void {
    const wanted = new Set([...this.waiting].map(({ requestId }) => requestId));
    for (const id of requestIds) if (wanted.has(id)) return this.look();
  }

  private look(): void {
    if (this.waiting.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    this.collect()
      .catch((error: unknown) => this.log.warn({ err: error }, 'looking for command outcomes'))
      .finally(() => {
        this.looking = false;
        if (this.again) {
          this.again = false;
          this.look();
        }
      });
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    for (const { resolve } of [...this.waiting]) resolve(null);
  }

  private async collect(): Promise<void> {
    const waiters = [...this.waiting];
    const ids = [...new Set(waiters.map(({ commandId }) => commandId))];
    const workspaces = [...new Set(waiters.map(({ workspaceId }) => workspaceId))];
    const outcomes = await this.database.transaction(workspaces, (sql) =>
      sql.query<CommandOutcome & Record<string, unknown>>(
        `SELECT c.id, c.request_id AS "requestId", c.state, c.refused
           FROM command c LEFT JOIN request r ON r.id = c.request_id
          WHERE c.id = ANY ($1::uuid[]) AND c.state <> 'pending'
            AND (c.request_version IS NULL OR r.version >= c.request_version)`,
        [ids],
      ),
    );
    const byId = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
    for (const { commandId, resolve } of waiters) {
      const outcome = byId.get(commandId);
      if (outcome) resolve(outcome);
    }
  }
}
