import type { Envelope, QueueName } from '@countersign/contracts';
import type { Message, Tx } from '../../src/message';
import { outboxStatement } from '../../src/outbox.store';
import type { DeadLetter, InboxStore, OutboxStore, OverdueMessage, Settlement } from '../../src/ports';
import type { Statements } from './database-client';
import type { Life } from './life';
import type { SimulatedDatabase, Transaction } from './simulated-database';
import type { World } from './world';

/** A message with one destination that has not been settled. Times in milliseconds since the start. */
interface OutboxRow {
  envelope: Envelope;
  bytes: number;
  queue: QueueName;
  dueAt: number;
  attempts: number;
}

/** As outbox.store.ts has them. */
const firstLeaseMs = 5_000;
const longestLeaseMs = 60_000;

const admission = 'INSERT INTO inbox … ON CONFLICT DO NOTHING RETURNING message_id';

/** Whoever else is about to insert the same id is waited for; what it has committed is then known. */
const receive = async (
  transaction: Transaction,
  world: World,
  queue: string,
  id: string,
): Promise<boolean> => {
  const key = `${queue}/${id}`;
  await transaction.lock('inbox', key);
  if (transaction.read('inbox', key)) {
    world.count('known message');
    return false;
  }
  transaction.write('inbox', key, true);
  return true;
};

/** What the messaging's own statements do. */
export const messagingStatements = (world: World): Statements => ({
  [outboxStatement([]).text]: (transaction, [, , envelopes, ids, queues, , , sizes]) => {
    const byId = new Map(
      (envelopes as string[]).map((text) => {
        const envelope = JSON.parse(text) as Envelope;
        return [envelope.id, envelope];
      }),
    );
    (ids as string[]).forEach((id, index) => {
      const queue = (queues as QueueName[])[index] as QueueName;
      const envelope = byId.get(id) as Envelope;
      const bytes = (sizes as number[])[index] as number;
      const dueAt = world.scheduler.now + firstLeaseMs;
      const row: OutboxRow = { envelope, bytes, queue, dueAt, attempts: 0 };
      transaction.write('outbox', `${queue}/${id}`, row);
    });
    return [];
  },
  [admission]: async (transaction, [queue, ids]) => {
    const fresh: { message_id: string }[] = [];
    for (const id of ids as string[])
      if (await receive(transaction, world, queue as string, id)) fresh.push({ message_id: id });
    return fresh;
  },
});

export class SimulatedInbox implements InboxStore {
  constructor(
    private readonly life: Life,
    private readonly database: SimulatedDatabase,
  ) {}

  async admit(tx: Tx, queue: QueueName, messages: readonly Envelope[]): Promise<Set<string>> {
    const ids = messages.map(({ id }) => id).sort();
    const rows = await tx.query<{ message_id: string }>(admission, [queue, ids]);
    return new Set(rows.map((row) => row.message_id));
  }

  bury(queue: QueueName, letter: DeadLetter): Promise<void> {
    const id = (letter.envelope as Message).id;
    return this.life.call(() =>
      this.database.waitingStatement(this.life, async (transaction) => {
        if (await receive(transaction, this.database.world, queue, id))
          transaction.write('dead_letter', `${queue}/${id}`, letter);
      }),
    );
  }
}

export class SimulatedOutbox implements OutboxStore {
  constructor(
    private readonly world: World,
    private readonly life: Life,
    private readonly database: SimulatedDatabase,
  ) {}

  claimDue(limit: number, mostBytes: number): Promise<OverdueMessage[]> {
    return this.statement((transaction) => {
      const { now } = this.world.scheduler;
      const claimed: OverdueMessage[] = [];
      let bytes = 0;
      for (const [key, row] of this.database.rows<OutboxRow>('outbox')) {
        if (row.dueAt > now || claimed.length >= limit || bytes >= mostBytes) continue;
        bytes += row.bytes;
        const varied = 0.9 + 0.2 * this.world.random.next();
        const lease = Math.min(longestLeaseMs, firstLeaseMs * 2 ** Math.min(row.attempts, 10)) * varied;
        const attempts = row.attempts + 1;
        transaction.write('outbox', key, { ...row, attempts, dueAt: now + lease });
        claimed.push({ envelope: row.envelope, bytes: row.bytes, queue: row.queue, resends: attempts });
      }
      return claimed;
    });
  }

  forget(settlements: readonly Settlement[]): Promise<void> {
    return this.statement((transaction) => {
      for (const { messageId, queue } of settlements)
        transaction.write('outbox', `${queue}/${messageId}`, undefined);
    });
  }

  makeAllDue(): Promise<void> {
    return this.statement((transaction) => {
      const { now } = this.world.scheduler;
      for (const [key, row] of this.database.rows<OutboxRow>('outbox'))
        if (row.dueAt > now) transaction.write('outbox', key, { ...row, dueAt: now, attempts: 0 });
    });
  }

  adoptEpoch(epoch: string): Promise<boolean> {
    return this.statement((transaction) => {
      if (transaction.read('broker_epoch', 'singleton') === epoch) return false;
      transaction.write('broker_epoch', 'singleton', epoch);
      return true;
    });
  }

  private statement<T>(work: (transaction: Transaction) => T): Promise<T> {
    return this.life.call(() => this.database.statement(work));
  }
}
