import type { ClientBase, QueryResultRow } from 'pg';

/**
 * Statements inside one transaction. Texts are constants of the program, so each is prepared once per connection.
 * Connections are pipelined: statements that do not need each other's answer may be sent without waiting in between.
 */
export interface Sql {
  query<R extends QueryResultRow = QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** Statements of a transaction that may change something. */
export interface TransactionSql extends Sql {
  /**
   * Sends a statement that is not waited for before the COMMIT, with which it travels; when
   * it fails, the transaction is rolled back and fails with its error. `answered` gets the rows that it returns, before
   * anything that waits for the end of the transaction goes on; the COMMIT may be under way, so it must not throw.
   */
  write<R extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
    answered?: (rows: R[]) => void,
  ): void;
}

/** A statement that somebody else will send. */
export interface Statement {
  text: string;
  values: readonly unknown[];
}

const names = new Map<string, string>();

/** PostgreSQL keeps a prepared statement per name and connection; planning costs more than most of our statements. */
const nameOf = (text: string): string => {
  let name = names.get(text);
  if (!name) names.set(text, (name = `s${names.size}`));
  return name;
};

/** Statements on a connection until they are ended: what comes later would run in somebody else's transaction. */
export const openSql = (client: ClientBase): { sql: Sql; end: () => void } => {
  let ended = false;
  return {
    end: () => void (ended = true),
    sql: {
      async query<R extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
        if (ended) throw new Error('a statement after the end of its transaction');
        const result = await client.query<R>({ name: nameOf(text), text, values: values as unknown[] });
        return result.rows;
      },
    },
  };
};
