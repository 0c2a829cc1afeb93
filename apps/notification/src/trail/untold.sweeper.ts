import { DueSweeper } from '@countersign/due-sweeper';
import type { UnitOfWork } from '@countersign/messaging';
import { Database, type Sql } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { chatColumns, chatEndingOf, type EndedChat } from '../chat/chat-endings';
import { deliveryColumns, endingOf, type EndedDelivery } from '../deliveries/delivery-endings';
import { mailColumns, mailEndingOf, type EndedMail } from '../mail/mail-endings';
import { recordEndings } from './record-endings';

/** At one look, of each kind. */
const mostAtOnce = 500;

/**
 * Puts into the log what ended without an attempt: skipped, gathered, or kept to be looked at. Whoever ends it so in the midst of
 * something else only marks it as `untold`; what ends by an attempt is told of with that.
 */
@Injectable()
export class UntoldSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'telling the log of what has ended'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  private async sweep(): Promise<number | null> {
    const workspaces = await this.everyWorkspace.everywhere(workspacesWithUntold);
    if (workspaces.length === 0) return null;
    const told = await this.unitOfWork(workspaces, async (tx) => {
      const [deliveries, mails, chats] = await Promise.all([
        claim<EndedDelivery>(tx, 'delivery', deliveryColumns),
        claim<EndedMail>(tx, 'mail', mailColumns),
        claim<EndedChat>(tx, 'chat_message', chatColumns),
      ]);
      recordEndings(tx, [
        ...deliveries.map((delivery) => endingOf(delivery, 'skipped', null)),
        ...mails.map(mailEndingOf),
        ...chats.map(chatEndingOf),
      ]);
      return deliveries.length + mails.length + chats.length;
    });
    // None: another process has them.
    return told > 0 ? 0 : null;
  }
}

type Table = 'delivery' | 'mail' | 'chat_message';

/** Across workspaces: for the sweeper's role. */
const workspacesWithUntold = async (sql: Sql): Promise<string[]> => {
  const some = (table: Table) =>
    `SELECT workspace_id FROM (SELECT workspace_id FROM ${table} WHERE untold ORDER BY id LIMIT ${mostAtOnce}) AS ${table}_`;
  const rows = await sql.query<{ workspace_id: string }>(
    `${some('delivery')} UNION ${some('mail')} UNION ${some('chat_message')}`,
  );
  return rows.map(({ workspace_id }) => workspace_id);
};

const claim = <R extends Record<string, unknown>>(sql: Sql, table: Table, columns: string): Promise<R[]> =>
  sql.query<R>(
    // An array: of a join PostgreSQL expects so much that it would read the whole table.
    `UPDATE ${table} e SET untold = false
      WHERE e.id = ANY (ARRAY (SELECT id FROM ${table} WHERE untold ORDER BY id LIMIT ${mostAtOnce} FOR UPDATE SKIP LOCKED))
     RETURNING ${columns}`,
  );
