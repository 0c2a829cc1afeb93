import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { migrate } from './migrate';
import { passwordOf, roleOf, urlAs } from './roles';

const name = `migrate_${randomBytes(4).toString('hex')}`;
const secretKey = Buffer.alloc(32, 1).toString('base64');
const roles = [roleOf(name, 'app'), roleOf(name, 'relay')];

const server = (): string => {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run these tests with npm test -- int');
  return url;
};

let administrator: Client;
let ownerUrl: string;

const migrated = (url = ownerUrl, key = secretKey) =>
  migrate({ ownerUrl: url, secretKey: key, schema: name, migrations: [] });

const attributes = async () =>
  (
    await administrator.query(
      'SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = ANY ($1) ORDER BY 1',
      [roles],
    )
  ).rows;

const harmless = roles.map((rolname) => ({
  rolname,
  rolsuper: false,
  rolbypassrls: false,
  rolcanlogin: true,
}));

beforeAll(async () => {
  administrator = new Client(server());
  await administrator.connect();
  await administrator.query(`CREATE ROLE ${name} LOGIN CREATEROLE PASSWORD 'x'`);
  await administrator.query(`CREATE DATABASE ${name} OWNER ${name}`);
  const url = new URL(server());
  Object.assign(url, { username: name, password: 'x', pathname: `/${name}` });
  ownerUrl = url.href;
});

afterAll(async () => {
  await administrator.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  for (const role of [...roles, name]) await administrator.query(`DROP ROLE IF EXISTS ${role}`);
  await administrator.end();
});

describe('an owner that is no superuser', () => {
  it('makes the roles and the schema, again and again', async () => {
    await migrated();
    await migrated();
    expect(await attributes()).toEqual(harmless);
  });

  it('gives the roles the passwords of another secret key', async () => {
    const other = Buffer.alloc(32, 2).toString('base64');
    await migrated(ownerUrl, other);
    const app = new Client(urlAs(ownerUrl, other, roles[0] as string));
    await app.connect();
    await app.end();
    expect(passwordOf(other, roles[0] as string)).not.toBe(passwordOf(secretKey, roles[0] as string));
  });

  it('does not go on with a role that has come to more than it may have, as a superuser can put right', async () => {
    await administrator.query(`ALTER ROLE ${roles[0]} BYPASSRLS`);
    await expect(migrated()).rejects.toMatchObject({ code: '42501' });
    const superuser = new URL(ownerUrl);
    Object.assign(superuser, {
      username: new URL(server()).username,
      password: new URL(server()).password,
    });
    await migrated(superuser.href);
    expect(await attributes()).toEqual(harmless);
  });
});

describe('the database that docs/operations.md makes', () => {
  const documented = `${name}_doc`;
  afterAll(() => administrator.query(`DROP DATABASE IF EXISTS ${documented} WITH (FORCE)`));

  it('is migrated', async () => {
    const text = readFileSync(path.join(__dirname, '../../../docs/operations.md'), 'utf8');
    const statement = /^CREATE DATABASE countersign OWNER countersign [^;]+;/m.exec(text)?.[0] ?? '';
    await administrator.query(
      statement.replace('DATABASE countersign OWNER countersign', `DATABASE ${documented} OWNER ${name}`),
    );
    const url = new URL(ownerUrl);
    url.pathname = `/${documented}`;
    expect(await migrated(url.href)).toEqual([]);
  });
});

describe('a database whose lower() knows no letters but those of ASCII', () => {
  const plain = `${name}_c`;
  afterAll(() => administrator.query(`DROP DATABASE IF EXISTS ${plain} WITH (FORCE)`));

  it('is refused before anything is made, with what to do', async () => {
    await administrator.query(
      `CREATE DATABASE ${plain} OWNER ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C'`,
    );
    const url = new URL(ownerUrl);
    url.pathname = `/${plain}`;
    await expect(migrated(url.href)).rejects.toThrow(/lower\(\).*docs\/operations\.md/s);
    const inside = new Client(url.href);
    await inside.connect();
    const { rows } = await inside.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [name]);
    await inside.end();
    expect(rows).toEqual([]);
  });
});
