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

/** An outcome together with the version of the request that shows it; null when it changed nothing. */
export interface SettledCommand extends CommandOutcome {
  requestVersion: number | null;
}

interface Waiter {
  workspaceId: string;
  requestId: string;
  commandId: string;
  since: number;
  /** What this process has stored itself, in either order. */
  settled: SettledCommand | null;
  storedVersion: number;
  resolve: (outcome: CommandOutcome | null) => void;
}

/**
 * Lets HTTP calls wait for the outcome of their command. What this process stores itself it knows at once; for what
 * another replica stored, one query every few milliseconds looks for all that this process waits for.
 */
@Injectable()
export class CommandOutcomes implements OnModuleDestroy {
  /** Several calls may wait for one command: duplicates of it with the same Idempotency-Key. */
  private readonly waiting = new Set<Waiter>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

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
        since: Date.now(),
        settled: null,
        storedVersion: 0,
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

  /** This process has stored the outcomes of commands. */
  settled(commands: readonly SettledCommand[]): void {
    const byId = new Map(commands.map((command) => [command.id, command]));
    for (const waiter of this.waiting) {
      waiter.settled ??= byId.get(waiter.commandId) ?? null;
      resolveIfShown(waiter);
    }
  }

  /** This process has stored requests in the read model. */
  stored(requests: readonly { id: string; version: number }[]): void {
    const versions = new Map(requests.map(({ id, version }) => [id, version]));
    for (const waiter of this.waiting) {
      waiter.storedVersion = Math.max(waiter.storedVersion, versions.get(waiter.requestId) ?? 0);
      resolveIfShown(waiter);
    }
  }

  private look(): void {
    if (this.waiting.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const overdue = [...this.waiting].filter(({ since }) => since + lookMs <= Date.now());
    if (this.looking || overdue.length === 0) return;
    this.looking = true;
    this.collect(overdue)
      .catch((error: unknown) => this.log.warn({ err: error }, 'looking for command outcomes'))
      .finally(() => (this.looking = false));
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    for (const { resolve } of [...this.waiting]) resolve(null);
  }

  private async collect(waiters: readonly Waiter[]): Promise<void> {
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

const resolveIfShown = ({ settled, storedVersion, resolve }: Waiter): void => {
  if (settled && storedVersion >= (settled.requestVersion ?? 0)) resolve(settled);
};
