import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { RefusedCommand } from '@countersign/contracts';
import { Database } from '@countersign/persistence';
import { LOG, type Log } from '@countersign/service-kit';
import { Waits, type Wait } from '../waits/waits';

export interface CommandOutcome {
  id: string;
  requestId: string;
  state: 'done' | 'refused';
  refused: RefusedCommand | null;
}

/** An outcome together with the version of the request that shows it; null when it changed nothing. */
export interface SettledCommand extends CommandOutcome {
  requestVersion: number | null;
}

interface Expected {
  workspaceId: string;
  requestId: string;
  commandId: string;
  /** What this process has stored itself, in either order. */
  settled: SettledCommand | null;
  storedVersion: number;
}

/** Lets HTTP calls wait for the outcome of their command. */
@Injectable()
export class CommandOutcomes implements OnModuleDestroy {
  /** Several calls may wait for one command: duplicates of it with the same Idempotency-Key. */
  private readonly waits: Waits<Expected, CommandOutcome>;

  constructor(
    private readonly database: Database,
    @Inject(LOG) log: Log,
  ) {
    this.waits = new Waits(
      (waits) => this.look(waits),
      (error) => log.warn({ err: error }, 'looking for command outcomes'),
    );
  }

  /** The outcome, once the read model shows it too; null when it has not come within `patienceMs`. */
  wait(
    command: { workspaceId: string; requestId: string; commandId: string },
    patienceMs: number,
  ): Promise<CommandOutcome | null> {
    return this.waits.wait({ ...command, settled: null, storedVersion: 0 }, patienceMs);
  }

  /** This process has stored the outcomes of commands. */
  settled(commands: readonly SettledCommand[]): void {
    const byId = new Map(commands.map((command) => [command.id, command]));
    for (const wait of this.waits) {
      wait.about.settled ??= byId.get(wait.about.commandId) ?? null;
      endIfShown(wait);
    }
  }

  /** This process has stored requests in the read model. */
  stored(requests: readonly { id: string; version: number }[]): void {
    const versions = new Map(requests.map(({ id, version }) => [id, version]));
    for (const wait of this.waits) {
      const { storedVersion, requestId } = wait.about;
      wait.about.storedVersion = Math.max(storedVersion, versions.get(requestId) ?? 0);
      endIfShown(wait);
    }
  }

  onModuleDestroy(): void {
    this.waits.close();
  }

  private async look(waits: readonly Wait<Expected, CommandOutcome>[]): Promise<void> {
    const ids = [...new Set(waits.map(({ about }) => about.commandId))];
    const workspaces = [...new Set(waits.map(({ about }) => about.workspaceId))];
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
    for (const { about, end } of waits) {
      const outcome = byId.get(about.commandId);
      if (outcome) end(outcome);
    }
  }
}

const endIfShown = ({ about: { settled, storedVersion }, end }: Wait<Expected, CommandOutcome>): void => {
  if (settled && storedVersion >= (settled.requestVersion ?? 0)) end(settled);
};
