import type { Database, Statement, TransactionSql } from '@countersign/persistence';
import type { Life } from './life';
import { databaseFault, type SimulatedDatabase, type Transaction } from './simulated-database';
import type { World } from './world';

/** What a statement does, by its text. */
export type Statements = Record<
  string,
  (transaction: Transaction, values: readonly unknown[]) => object[] | Promise<object[]>
>;

/** A process's way to its database: does what `Database.transaction` of the persistence library does, step by step. */
export class DatabaseClient implements Pick<Database, 'transaction'> {
  constructor(
    private readonly world: World,
    private readonly life: Life,
    private readonly database: SimulatedDatabase,
    private readonly statements: Statements,
  ) {}

  async transaction<T>(
    _workspaceIds: readonly string[],
    work: (sql: TransactionSql) => Promise<T>,
    closing: () => Statement | null = () => null,
  ): Promise<T> {
    const connection = await this.connect();
    const unanswered: Promise<unknown>[] = [];
    const query = (text: string, values: readonly unknown[] = []) =>
      connection.send(async (transaction) => {
        const statement = this.statements[text];
        if (!statement) throw new TypeError(`no such statement: ${text}`);
        return await statement(transaction, values);
      });
    const write: TransactionSql['write'] = (text, values, answered = () => undefined) => {
      const answer = query(text, values).then((rows) => answered(rows as never));
      answer.catch(() => undefined);
      unanswered.push(answer);
    };
    try {
      const result = await work({ query: query as TransactionSql['query'], write });
      const last = closing();
      if (last) write(last.text, last.values);
      const committed = connection.send((transaction) => transaction.commit(), true);
      committed.catch(() => undefined);
      for (const answer of unanswered) await answer;
      if ((await committed) !== 'COMMIT') throw databaseFault('the transaction was rolled back', '');
      this.world.note(() => `${this.life.name}: committed`);
      return result;
    } catch (error) {
      this.world.note(() => `${this.life.name}: rolled back or in doubt: ${String(error)}`);
      await connection.send((transaction) => transaction.abort(), true).catch(() => undefined);
      throw error;
    }
  }

  /** Statements of a connection are served in their order, however long each is on its way. */
  private async connect() {
    const { life, world } = this;
    const transaction = await life.call(() => {
      const begun = this.database.begin(life);
      if (life.isOver) begun.cut();
      return begun;
    });
    let served: Promise<void> = Promise.resolve();
    const send = async <T>(
      serve: (transaction: Transaction) => T | Promise<T>,
      isLast = false,
    ): Promise<T> => {
      const before = served;
      let done = () => {};
      served = new Promise((resolve) => (done = resolve));
      const answer = await life.call(async () => {
        await before;
        try {
          if (!isLast) transaction.check();
          if (world.mishap(0.002)) transaction.cut();
          const result = await serve(transaction);
          if (isLast && world.mishap(0.01)) transaction.isCut = true;
          return result;
        } catch (error) {
          transaction.abort();
          throw error;
        } finally {
          done();
        }
      });
      // A COMMIT may have been done although its answer never comes.
      if (transaction.isCut) throw databaseFault('Connection terminated unexpectedly', '57P01');
      return answer;
    };
    return { send };
  }
}
