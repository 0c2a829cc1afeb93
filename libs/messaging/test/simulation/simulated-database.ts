import type { Life } from './life';
import type { World } from './world';

/** As PostgreSQL or the driver would report it; the real code tells by code or words whether it is worth another try. */
export const databaseFault = (message: string, code: string): Error =>
  Object.assign(new Error(message), { name: 'DatabaseFault', code });

const terminated = () => databaseFault('Connection terminated unexpectedly', '57P01');

/** A connection's transaction: what it changes is seen by nobody else until it commits, all at once. */
export class Transaction {
  state: 'open' | 'aborted' | 'ended' = 'open';
  /** The connection is gone, whatever became of the transaction. */
  isCut = false;
  waitingFor: string | null = null;
  readonly ended: Promise<void>;
  private end: () => void = () => undefined;
  private readonly changes = new Map<string, { table: string; key: string; row: unknown }>();
  private readonly held: string[] = [];

  constructor(
    private readonly database: SimulatedDatabase,
    readonly client: Life | null,
  ) {
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  read<T>(table: string, key: string): T | undefined {
    const change = this.changes.get(`${table}/${key}`);
    return (change ? change.row : this.database.rows(table).get(key)) as T | undefined;
  }

  /** `undefined` deletes. */
  write(table: string, key: string, row: unknown): void {
    this.changes.set(`${table}/${key}`, { table, key, row });
  }

  /** Waits until no other transaction holds this row; the youngest of a circle of waiting ones is ended as a deadlock. */
  async lock(table: string, key: string): Promise<void> {
    const name = `${table}/${key}`;
    for (;;) {
      this.check();
      const holder = this.database.holders.get(name);
      if (holder === this) return;
      if (!holder) break;
      this.database.world.count('waiting for a row');
      for (
        let next: Transaction | undefined = holder;
        next;
        next = this.database.holders.get(next.waitingFor ?? '')
      ) {
        if (next !== this) continue;
        this.database.world.count('deadlock');
        this.abort();
        throw databaseFault('deadlock detected', '40P01');
      }
      this.waitingFor = name;
      await Promise.race([holder.ended, this.ended]);
      this.waitingFor = null;
    }
    this.database.holders.set(name, this);
    this.held.push(name);
  }

  /** Throws what a statement on this connection would. */
  check(): void {
    if (this.isCut) throw terminated();
    if (this.state !== 'open') throw databaseFault('current transaction is aborted', '25P02');
  }

  commit(): 'COMMIT' | 'ROLLBACK' {
    if (this.isCut) throw terminated();
    if (this.state !== 'open') return 'ROLLBACK';
    for (const { table, key, row } of this.changes.values()) {
      if (row === undefined) this.database.rows(table).delete(key);
      else this.database.rows(table).set(key, row);
    }
    this.state = 'ended';
    this.release();
    return 'COMMIT';
  }

  /** A statement has failed: PostgreSQL lets go of everything at once and only waits for the ROLLBACK. */
  abort(): void {
    if (this.state !== 'open') return;
    this.state = 'aborted';
    this.release();
  }

  cut(): void {
    this.isCut = true;
    this.abort();
  }

  private release(): void {
    for (const name of this.held) this.database.holders.delete(name);
    this.database.transactions.delete(this);
    this.end();
  }
}

/** The database of one service: rows by table and key, row locks that make others wait, and connections that break. */
export class SimulatedDatabase {
  readonly holders = new Map<string, Transaction>();
  readonly transactions = new Set<Transaction>();
  isAway = false;
  private readonly tables = new Map<string, Map<string, unknown>>();

  constructor(readonly world: World) {}

  rows<T = unknown>(table: string): Map<string, T> {
    let rows = this.tables.get(table);
    if (!rows) this.tables.set(table, (rows = new Map()));
    return rows as Map<string, T>;
  }

  begin(client: Life | null): Transaction {
    if (this.isAway) throw databaseFault('connect ECONNREFUSED', 'ECONNREFUSED');
    const transaction = new Transaction(this, client);
    this.transactions.add(transaction);
    return transaction;
  }

  /** Cuts every connection, or those of one process. */
  cutConnections(client?: Life): void {
    for (const transaction of [...this.transactions])
      if (!client || transaction.client === client) transaction.cut();
  }

  /** One statement that is a transaction of its own, done in an instant. */
  statement<T>(work: (transaction: Transaction) => T): T {
    if (this.world.mishap(0.005)) throw terminated();
    const transaction = this.begin(null);
    const result = work(transaction);
    transaction.commit();
    // Done, but nobody hears of it.
    if (this.world.mishap(0.005)) throw terminated();
    return result;
  }

  /** The same for a statement that may have to wait for a row. */
  async waitingStatement(client: Life, work: (transaction: Transaction) => Promise<void>): Promise<void> {
    if (this.world.mishap(0.1)) throw terminated();
    const transaction = this.begin(client);
    try {
      await work(transaction);
      transaction.commit();
    } catch (error) {
      transaction.abort();
      throw error;
    }
    if (this.world.mishap(0.05)) throw terminated();
  }
}
