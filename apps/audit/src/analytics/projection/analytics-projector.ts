import { DueSweeper } from '@countersign/due-sweeper';
import { Database, type Sql, type TransactionSql } from '@countersign/persistence';
import { LOG, SWEEPER, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { rollDay, rollMonth, unrolledPeriod } from '../rollups/roll-periods';
import { followRequest } from '../runs/follow-request';
import { clearSome } from './clear.rows';
import { readPack, type RequestEntries } from './entry-pack.rows';
import { inOrder } from './in-order';
import { sizeOfHead } from '../../log/size-of-head';
import { lockPosition, readKept, writePack, type FollowedRequest, type KeptRequest } from './projection.rows';

/** Entries read in one transaction. */
const packSize = 2_000;

/**
 * Follows the log of each workspace by its own position, in packs, and adds up the days and months that are over. One
 * process works on a workspace at a time; whatever ends it, the next one goes on from the last commit.
 */
@Injectable()
export class AnalyticsProjector implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    private readonly database: Database,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for logs that have grown'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  private async sweep(): Promise<number | null> {
    const behind = await this.everyWorkspace.everywhere(workspacesBehind);
    let isMore = false;
    for (const workspaceId of behind) {
      try {
        isMore = (await this.goOn(workspaceId)) || isMore;
      } catch (error) {
        // It is tried again a second later; the others do not wait for it.
        this.log.warn({ err: error, workspaceId }, 'following the log for analytics');
      }
    }
    return isMore ? 0 : null;
  }

  /** One step in one workspace; true when the next may follow at once. */
  private async goOn(workspaceId: string): Promise<boolean> {
    const step = await this.database.transaction([workspaceId], (sql) => followLog(sql, workspaceId));
    if (step !== 'even') return step === 'more';
    // A transaction of its own: what has been read is not read again when this fails.
    return this.database.transaction([workspaceId], (sql) => rollNext(sql, workspaceId));
  }
}

/** `even`: the end of the log was reached. */
const followLog = async (sql: TransactionSql, workspaceId: string): Promise<'more' | 'even' | 'taken'> => {
  const position = await lockPosition(sql, workspaceId);
  if (!position) return 'taken';
  if (position.clearing) {
    await clearSome(sql, workspaceId);
    return 'more';
  }
  const pack = await readPack(sql, workspaceId, position.nextIndex, packSize);
  if (pack.nextIndex > position.nextIndex) {
    const ids = pack.requests.map(({ requestId }) => requestId);
    const kept = await readKept(sql, workspaceId, ids);
    const followed = pack.requests.map((request) => follow(request, kept.get(request.requestId)));
    writePack(sql, workspaceId, followed, pack.nextIndex);
  }
  return pack.isFull ? 'more' : 'even';
};

const rollNext = async (sql: TransactionSql, workspaceId: string): Promise<boolean> => {
  if (!(await lockPosition(sql, workspaceId))) return false;
  const due = await unrolledPeriod(sql, workspaceId);
  if (due?.level === 'day') await rollDay(sql, workspaceId, due.period);
  if (due?.level === 'month') await rollMonth(sql, workspaceId, due.period);
  return due !== null;
};

const follow = ({ requestId, entries }: RequestEntries, kept: KeptRequest | undefined): FollowedRequest => {
  const { version, due, waiting } = inOrder(kept?.version ?? 0, [...(kept?.waiting ?? []), ...entries]);
  const workflowKey = entries[0]?.workflowKey ?? '';
  // Of a request that is over nothing is kept but its version.
  const isOver = kept !== undefined && kept.version > 0 && kept.run === null;
  if (isOver) return { requestId, workflowKey, version, waiting, run: null, measures: [] };
  const { run, measures } = followRequest(kept?.run ?? null, due);
  return { requestId, workflowKey, version, waiting, run: version > 0 ? run : null, measures };
};

/** Whose log has grown, or what is to be cleared or added up. */
const workspacesBehind = async (sql: Sql): Promise<string[]> => {
  const rows = await sql.query<{ workspace_id: string }>(
    `SELECT workspace_id FROM log_head h LEFT JOIN analytics_position p USING (workspace_id)
      WHERE ${sizeOfHead('h')} > coalesce(p.next_index, 0) OR p.clearing
      UNION
     SELECT workspace_id FROM analytics_period
      WHERE NOT rolled AND ((level = 'day' AND period < (now() AT TIME ZONE 'UTC')::date)
         OR (level = 'month' AND period < date_trunc('month', now() AT TIME ZONE 'UTC')::date))
      ORDER BY workspace_id`,
  );
  return rows.map(({ workspace_id: workspaceId }) => workspaceId);
};
