import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Redis from 'ioredis';
import pg from 'pg';
import { postgresBinaries } from './postgres-binaries.mjs';
import { createPostgres, startPostgres } from './postgres.mjs';
import { processIdentity } from './process-identity.mjs';
import { redisBinary } from './redis-binary.mjs';
import { startRedis } from './redis.mjs';

const root = path.resolve(__dirname, '..', '..');
const cacheDir = path.join(root, '.countersign-cache');

jest.setTimeout(120_000);

let folder: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(() => {
  // mkdtemp makes it 0700, like a clone below /root: the server's account may not enter it by itself.
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-servers-'));
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const sql = async (url: string, text: string) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

const startedPostgres = async () => {
  const postgres = await startPostgres({ root, dir: path.join(folder, 'postgres') });
  stops.push(() => postgres.stop());
  return postgres;
};

const startedRedis = async () => {
  const redis = await startRedis({ dir: path.join(folder, 'redis'), cacheDir });
  stops.push(() => redis.stop());
  return redis;
};

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (const end = Date.now() + 20_000; !(await condition());) {
    if (Date.now() > end) throw new Error('it did not become true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

describe('embedded PostgreSQL', () => {
  it('starts below a folder that only its owner may enter, in UTF-8, durable, for passwords only', async () => {
    const postgres = await startedPostgres();
    const [row] = await sql(
      postgres.url,
      `select current_database() as database, current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as commit, current_setting('full_page_writes') as pages,
              current_setting('max_connections') as connections, current_setting('listen_addresses') as addresses`,
    );
    expect(row).toEqual({
      database: 'countersign',
      encoding: 'UTF8',
      fsync: 'on',
      commit: 'on',
      pages: 'on',
      connections: '300',
      addresses: '127.0.0.1',
    });
    const stranger = new URL(postgres.url);
    stranger.password = 'guessed';
    await expect(sql(stranger.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(path.join(folder, 'postgres', 'password')).mode & 0o077).toBe(0);
  });

  it('keeps port and data over a stop, a kill and a new owner process', async () => {
    const postgres = await startedPostgres();
    await sql(postgres.url, `create table kept as select 42 as n`);
    await postgres.stop();
    expect(postgres.pid).toBeUndefined();
    await postgres.start();
    expect(await sql(postgres.url, 'select n from kept')).toEqual([{ n: 42 }]);
    await postgres.kill();
    await postgres.start();
    expect(await sql(postgres.url, 'select n from kept')).toEqual([{ n: 42 }]);
    await postgres.stop();
    const next = await startedPostgres();
    expect(await sql(next.url, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  it('stops the server that a killed start left running, and takes over its data', async () => {
    const left = await startedPostgres();
    await sql(left.url, `create table kept as select 42 as n`);
    const lines: string[] = [];
    const next = await createPostgres({
      root,
      dir: path.join(folder, 'postgres'),
      log: (line) => lines.push(line),
    });
    stops.push(() => next.stop());
    const leftPid = left.pid;
    await next.start();
    expect(lines).toEqual([`stopping the PostgreSQL that an earlier start left behind (pid ${leftPid})`]);
    await until(() => left.pid === undefined);
    expect(await sql(next.url, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  it('starts although the pid of a dead server belongs to a stranger by now, and leaves the stranger alone', async () => {
    const postgres = await startedPostgres();
    await postgres.stop();
    const stranger = spawn('sleep', ['60']);
    try {
      const pidFile = path.join(folder, 'postgres', 'data', 'postmaster.pid');
      writeFileSync(
        pidFile,
        `${stranger.pid}\n${path.dirname(pidFile)}\n0\n${postgres.port}\n\n127.0.0.1\n\n`,
      );
      await postgres.start();
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  it('comes back by itself, with a visible line, when it ends and nobody asked for that', async () => {
    const lines: string[] = [];
    const postgres = await createPostgres({
      root,
      dir: path.join(folder, 'postgres'),
      log: (line) => lines.push(line),
    });
    stops.push(() => postgres.stop());
    await postgres.start();
    postgres.supervise();
    const first = postgres.pid as number;
    process.kill(first, 'SIGKILL');
    await until(async () => (await sql(postgres.url, 'select 1').catch(() => [])).length === 1);
    expect(postgres.pid).not.toBe(first);
    expect(lines).toEqual(['PostgreSQL exited (signal SIGKILL); restarting in 500 ms']);
  });

  it('makes its data folder anew when making it was interrupted', async () => {
    const half = path.join(folder, 'postgres', 'data.new');
    mkdirSync(half, { recursive: true });
    writeFileSync(path.join(half, 'PG_VERSION'), '18');
    const postgres = await startedPostgres();
    expect(await sql(postgres.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect(existsSync(half)).toBe(false);
  });
});

describe('PostgreSQL of the distribution', () => {
  it('is fetched and unpacked when the machine has none, and runs from there', async () => {
    const binaries = await postgresBinaries({ cacheDir, searchPath: folder });
    expect(binaries.bin.startsWith(cacheDir)).toBe(true);
    const postgres = await startPostgres({
      root,
      binaries,
      dir: path.join(folder, 'postgres'),
      locale: ['--locale=C.UTF-8'],
      settings: { jit: 'off' },
    });
    stops.push(() => postgres.stop());
    const [server] = await sql(
      postgres.url,
      `select split_part(current_setting('server_version'), ' ', 1) as version,
              (select setting from pg_config where name = 'SHAREDIR') as share`,
    );
    expect(server.version).toBe(binaries.version);
    expect(server.share.startsWith(cacheDir)).toBe(true);
  }, 300_000);

  it('is the one on PATH when that is new enough', async () => {
    const install = (version: string) => {
      const bin = path.join(folder, version);
      mkdirSync(bin);
      for (const name of ['postgres', 'initdb', 'pg_ctl']) {
        const script = `#!/bin/sh\necho "${name} (PostgreSQL) ${version} (Debian)"\n`;
        writeFileSync(path.join(bin, name), script, { mode: 0o755 });
      }
      return bin;
    };
    const searchPath = [install('14.18'), install('16.9')].join(path.delimiter);
    const unused = path.join(folder, 'unused');
    expect(await postgresBinaries({ cacheDir: unused, searchPath })).toEqual({
      bin: path.join(folder, '16.9'),
      env: {},
      version: '16.9',
    });
    expect(existsSync(unused)).toBe(false);
  });
});

describe('private Redis', () => {
  it('wants its password, evicts nothing and writes nothing to disk', async () => {
    const redis = await startedRedis();
    const client = new Redis(redis.url);
    try {
      expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await client.config('GET', 'save')).toEqual(['save', '']);
      expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
      expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    } finally {
      client.disconnect();
    }
    const stranger = new Redis({
      port: redis.port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
    });
    stranger.on('error', () => undefined);
    await expect(stranger.ping()).rejects.toThrow(/NOAUTH/);
    stranger.disconnect();
    const commandLine = readFileSync(`/proc/${redis.pid}/cmdline`, 'utf8');
    expect(commandLine).not.toContain(new URL(redis.url).password);
  });

  it('comes back empty on the same port after a kill', async () => {
    const redis = await startedRedis();
    const client = new Redis(redis.url);
    client.on('error', () => undefined);
    try {
      await client.set('key', 'value');
      await redis.kill();
      await redis.start();
      expect(await client.get('key')).toBeNull();
    } finally {
      client.disconnect();
    }
  });

  it('ends the one that a killed start left running, and nobody else', async () => {
    const left = await startedRedis();
    const leftPid = left.pid as number;
    await startedRedis();
    expect(processIdentity(leftPid)).toBeNull();
    const stranger = spawn('sleep', ['60']);
    const stale = path.join(folder, 'redis', 'redis.pid.json');
    try {
      await Promise.all(stops.splice(0).map((stop) => stop()));
      writeFileSync(stale, JSON.stringify({ pid: stranger.pid, identity: 'an earlier process' }));
      await startedRedis();
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  it('is fetched and unpacked when PATH has none', async () => {
    const binary = await redisBinary({ cacheDir, searchPath: folder });
    expect(binary.command.startsWith(cacheDir)).toBe(true);
  });

  it('is the one on PATH when that runs', async () => {
    const installed = path.join(folder, 'valkey-server');
    writeFileSync(installed, '#!/bin/sh\necho "Valkey server v=8.1.1"\n', { mode: 0o755 });
    writeFileSync(path.join(folder, 'redis-server'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    const unused = path.join(folder, 'unused');
    expect(await redisBinary({ cacheDir: unused, searchPath: folder })).toEqual({
      command: installed,
      env: {},
    });
    expect(existsSync(unused)).toBe(false);
  });
});
