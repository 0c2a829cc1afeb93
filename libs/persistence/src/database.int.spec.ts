import { Client } from 'pg';
import { v7 } from 'uuid';
import { Database } from './database';

const server = (): string => {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run these tests with npm test -- int');
  return url;
};

const schema = `write_${process.pid}`;
const insert = 'INSERT INTO note SELECT unnest($1::int[]) ON CONFLICT DO NOTHING RETURNING id';

describe('a write that travels with the commit', () => {
  let owner: Client;
  let database: Database;

  beforeAll(async () => {
    owner = new Client(server());
    await owner.connect();
    await owner.query(`CREATE SCHEMA ${schema}`);
    await owner.query(`CREATE TABLE ${schema}.note (id int PRIMARY KEY)`);
    database = await Database.connect({ url: server(), schema, poolSize: 2, applicationName: 'test' });
  });
  afterAll(async () => {
    await database.close();
    await owner.query(`DROP SCHEMA ${schema} CASCADE`);
    await owner.end();
  });

  const notes = async () => (await owner.query(`SELECT id FROM ${schema}.note ORDER BY id`)).rows;

  it('has told what it returned when the transaction is over', async () => {
    const told: { id: number }[] = [];
    const add = (ids: number[]) =>
      database.transaction([], async (sql) =>
        sql.write<{ id: number }>(insert, [ids], (rows) => told.push(...rows)),
      );
    await add([1, 2]);
    await add([2, 3]);
    expect(told).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  it('undoes the transaction when it fails, and is its error', async () => {
    const before = await notes();
    const failing = database.transaction([], async (sql) => {
      sql.write(insert, [[4]]);
      sql.write('INSERT INTO note VALUES ($1), ($1)', [5]);
      sql.write(insert, [[6]]);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await notes()).toEqual(before);
  });
});

describe('reading', () => {
  it('sees what is committed meanwhile, but not in a snapshot', async () => {
    const database = await Database.connect({
      url: server(),
      schema: 'public',
      poolSize: 2,
      applicationName: 'test',
    });
    try {
      const changes = async (read: 'read' | 'snapshot') =>
        database[read](v7(), async (sql) => {
          const count = async () => (await sql.query('SELECT 1 FROM meanwhile')).length;
          const before = await count();
          await database.transaction([], (tx) => tx.query('INSERT INTO meanwhile VALUES (1)'));
          return (await count()) - before;
        });
      await database.transaction([], (sql) => sql.query('CREATE TABLE meanwhile (id int)'));
      expect([await changes('read'), await changes('snapshot')]).toEqual([1, 0]);
    } finally {
      await database.transaction([], (sql) => sql.query('DROP TABLE IF EXISTS meanwhile'));
      await database.close();
    }
  });
});

describe('a connection of a service', () => {
  it('does not compile its statements, each of which takes less than that would', async () => {
    const database = await Database.connect({
      url: server(),
      schema: 'public',
      poolSize: 1,
      applicationName: 'test',
    });
    try {
      const rows = await database.transaction([], (sql) => sql.query('SHOW jit'));
      expect(rows).toEqual([{ jit: 'off' }]);
    } finally {
      await database.close();
    }
  });
});
