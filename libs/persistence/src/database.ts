import { Socket } from 'node:net';
import { gatherWrites } from '@countersign/gathered-writes';
import type { ClientBase, Pool, PoolClient, QueryResultRow } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { openSql, type Sql, type Statement, type TransactionSql } from './sql';

export interface DatabaseOptions {
  /** postgres:// URL of the role that this pool works as. */
  url: string;
  schema: string;
  poolSize: number;
  applicationName: string;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * A pool of connections of one role. Every statement runs in a transaction that names the workspaces it
 * may see; row-level security does the rest (architecture §6). No transaction may be open while a call
 * leaves the process: the pool is small on purpose.
 */
export class Database {
  private constructor(
    private readonly source: DataSource,
    private readonly pool: Pool,
  ) {}

  static async connect(options: DatabaseOptions): Promise<Database> {
    const source = new DataSource({
      type: 'postgres',
      url: options.url,
      schema: options.schema,
      poolSize: options.poolSize,
      applicationName: options.applicationName,
      connectTimeoutMS: 5_000,
      poolErrorHandler: () => undefined,
      extra: {
        options: `-c search_path=${options.schema} -c jit=off -c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000`,
        keepAlive: true,
        pipeline: true,
        stream: () => gatherWrites(new Socket()),
        // Longer than the server's own limit: only a connection that has gone silent gets here.
        query_timeout: 35_000,
      },
    });
    await source.initialize();
    return new Database(source, (source.driver as PostgresDriver).master as Pool);
  }

  /**
   * Runs `work` in one transaction that sees these workspaces; none means no row of any workspace. `closing` may name a
   * last statement, which travels together with the COMMIT: the transaction commits only if it succeeds.
   */
  transaction<T>(
    workspaceIds: readonly string[],
    work: (sql: TransactionSql) => Promise<T>,
    closing: () => Statement | null = () => null,
  ): Promise<T> {
    const begin = `BEGIN; SET LOCAL app.workspaces = '${listOf(workspaceIds)}'`;
    return this.withClient(async (client, discard) => {
      const { sql, end } = openSql(client);
      // Not awaited: on a pipelined connection it travels with the first statement.
      const unanswered: Promise<unknown>[] = [];
      const send = (answer: Promise<unknown>) => {
        answer.catch(() => undefined);
        unanswered.push(answer);
      };
      const write = <R extends QueryResultRow>(
        text: string,
        values?: readonly unknown[],
        answered?: (rows: R[]) => void,
      ): void => send(sql.query<R>(text, values).then(answered));
      send(client.query(begin));
      try {
        const result = await work({ ...sql, write });
        const last = closing();
        if (last) write(last.text, last.values);
        end();
        const committed = client.query('COMMIT');
        committed.catch(() => undefined);
        // In their order: the first error is the reason, the others are its consequence.
        for (const answer of unanswered) await answer;
        const { command } = await committed;
        // A statement that failed and was not noticed has turned the COMMIT into a ROLLBACK.
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back');
        return result;
      } catch (error) {
        end();
        // Whatever cannot be rolled back is in an unknown state and must not be used again.
        await client.query('ROLLBACK').catch(discard);
        throw error;
      }
    });
  }

  /** The same for statements that only read. Nobody waits for its end: what follows on the connection does. */
  read<T>(workspaceId: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.readOnly('READ COMMITTED', workspaceId, work);
  }

  /** The same, and every statement sees the database as it was at the first of them. */
  snapshot<T>(workspaceId: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.readOnly('REPEATABLE READ', workspaceId, work);
  }

  private readOnly<T>(
    isolation: 'READ COMMITTED' | 'REPEATABLE READ',
    workspaceId: string,
    work: (sql: Sql) => Promise<T>,
  ): Promise<T> {
    return this.withClient(async (client, discard) => {
      const { sql, end } = openSql(client);
      const begun = client.query(
        `BEGIN ISOLATION LEVEL ${isolation} READ ONLY; SET LOCAL app.workspaces = '${listOf([workspaceId])}'`,
      );
      begun.catch(() => undefined);
      try {
        const result = await work(sql);
        // Already answered, for answers come in order; but had it failed, nothing would have been visible.
        await begun;
        end();
        client.query('ROLLBACK').catch(discard);
        return result;
      } catch (error) {
        end();
        await client.query('ROLLBACK').catch(discard);
        throw error;
      }
    });
  }

  /** Statements of a role that row-level security lets see every workspace (relay, sweepers); each its own transaction. */
  async everywhere<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.withClient(async (client) => {
      const { sql, end } = openSql(client);
      try {
        return await work(sql);
      } finally {
        end();
      }
    });
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }

  private async withClient<T>(
    work: (client: ClientBase, discard: (cause: Error) => void) => Promise<T>,
  ): Promise<T> {
    const client: PoolClient = await this.pool.connect();
    let broken: Error | undefined;
    const discard = (cause: Error) => void (broken = cause);
    client.on('error', discard);
    try {
      return await work(client, discard);
    } finally {
      client.off('error', discard);
      client.release(broken);
    }
  }
}

const listOf = (workspaceIds: readonly string[]): string => {
  for (const id of workspaceIds) if (!uuid.test(id)) throw new TypeError(`not a workspace id: ${id}`);
  return workspaceIds.join(',');
};
