import { randomBytes } from 'node:crypto';
import { Database } from '@countersign/persistence';
import { DataSource } from 'typeorm';
import { createLog } from './log';
import { logFaults } from './log-faults';

const url = process.env.TEST_DATABASE_URL ?? '';
const table = `log_${randomBytes(4).toString('hex')}`;

/** What somebody typed, and nobody may read in a log. */
const secrets = ['Erika', 'Mustermann', 'erika@example.com', '555-0100'];

describe('an error of the database in the log', () => {
  let database: Database;
  let source: DataSource;
  beforeAll(async () => {
    database = await Database.connect({ url, schema: 'public', poolSize: 1, applicationName: 'log' });
    source = await new DataSource({ type: 'postgres', url }).initialize();
    await source.query(
      `CREATE TABLE ${table} (
         name text NOT NULL CONSTRAINT one_name_${table} UNIQUE, phone text NOT NULL CHECK (phone <> ''), age int
       )`,
    );
    await source.query(`INSERT INTO ${table} VALUES ('Erika', '555-0100', 1)`);
  });
  afterAll(async () => {
    await source.query(`DROP TABLE ${table}`);
    await source.destroy();
    await database.close();
  });

  const failureOf = async (text: string, values: unknown[]): Promise<unknown[]> =>
    Promise.all([
      database.transaction([], (sql) => sql.query(text, values)).catch((error: unknown) => error),
      source.query(text, values).catch((error: unknown) => error),
    ]);

  const logged = (error: unknown): { lines: Record<string, unknown>[]; text: string } => {
    const written: string[] = [];
    const log = createLog('intake', { write: (line: string) => void written.push(line) });
    log.error({ err: error }, 'call failed');
    logFaults(log)('handling', error);
    return { lines: written.map((line) => JSON.parse(line).err), text: written.join('') };
  };

  it.each([
    [
      'a row that is there already',
      `INSERT INTO ${table} VALUES ($1, $2, 2)`,
      ['Erika', '555-0100'],
      { code: '23505', table, constraint: `one_name_${table}` },
    ],
    [
      'a row without what it needs',
      `INSERT INTO ${table} VALUES ($1, $2, 3)`,
      ['Mustermann', null],
      { code: '23502', table, column: 'phone' },
    ],
    [
      'a row that a constraint refuses',
      `INSERT INTO ${table} VALUES ($1, $2, 3)`,
      ['Mustermann', ''],
      { code: '23514', table, constraint: `${table}_phone_check` },
    ],
    ['a value of another type', 'SELECT $1::text::int', ['Erika "Mustermann"'], { code: '22P02' }],
    ['text that is no JSON', 'SELECT $1::text::json', ['{"mail": erika@example.com}'], { code: '22P02' }],
    ['a value out of range', 'SELECT $1::text::timestamptz', ['Erika 555-0100'], { code: '22007' }],
  ])('tells of %s what was violated and where, and no value', async (_, text, values, told) => {
    for (const error of await failureOf(text, values)) {
      expect(error).toBeInstanceOf(Error);
      for (const wrapped of [error, new Error('outside', { cause: error }), new AggregateError([error])]) {
        const { lines, text: written } = logged(wrapped);
        expect(lines).toHaveLength(2);
        for (const secret of secrets) expect(written).not.toContain(secret);
        for (const line of lines) {
          expect(line).toMatchObject({ name: (wrapped as Error).name, message: expect.any(String) });
          expect(line.stack).toMatch(/\n +at /);
          const inner = line.cause ?? (line.errors as unknown[] | undefined)?.[0] ?? line;
          expect(inner).toMatchObject({ ...told, message: expect.stringMatching(/\w+ \w+/) });
        }
      }
    }
  });

  it('leaves the messages of other errors as they are', () => {
    const { lines } = logged(new TypeError('no "member" of: "undefined"'));
    for (const line of lines)
      expect(line).toMatchObject({ name: 'TypeError', message: 'no "member" of: "undefined"' });
    expect(logged('refused').lines).toEqual(['refused', 'refused']);
  });
});
