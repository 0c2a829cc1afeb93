import { randomBytes } from 'node:crypto';
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
