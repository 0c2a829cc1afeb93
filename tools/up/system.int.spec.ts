import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../servers/free-port.mjs';
import { processIdentity } from '../servers/process-identity.mjs';
import { startSystem } from './system.mjs';

const root = path.resolve(__dirname, '..', '..');

jest.setTimeout(120_000);

/** What the supervisor asks of a service, and nothing else: the contract that apps/<name>/dist/main.js keeps. */
const service = `
  const { createServer } = require('node:http');
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/readyz' || request.url === '/env' ? 200 : 404);
    response.end(JSON.stringify(process.env));
  });
  server.listen(Number(process.env.SERVICE_PORT), process.env.SERVICE_HOST);
  console.log(JSON.stringify({ level: 30, msg: 'listening' }));
  console.log(JSON.stringify({ level: 40, msg: 'careful' }));
  const end = () => process.exit(0);
  process.on('SIGTERM', process.env.DEAF ? () => undefined : end);
  process.on('disconnect', end);
`;

let folder: string;
let lines: string[];
const stops: (() => Promise<void>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-system-'));
  writeFileSync(path.join(folder, 'service.cjs'), service);
  lines = [];
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const options = async () => ({
  root,
  dataDir: path.join(folder, 'data'),
  port: await freePort(),
  services: ['gateway', 'routing'],
  entryPoints: { gateway: path.join(folder, 'service.cjs'), routing: path.join(folder, 'service.cjs') },
  env: { PATH: process.env.PATH } as NodeJS.ProcessEnv,
  migrations: false,
  log: (line: string) => lines.push(line),
});

const started = async (more: object = {}) => {
  const system = await startSystem({ ...(await options()), ...more });
  stops.push(system.stop);
  return system;
};

const until = async (condition: () => boolean | Promise<boolean>) => {
  for (const end = Date.now() + 20_000; !(await condition());) {
    if (Date.now() > end)
      throw new Error(`it did not become true within 20 s; the console says ${lines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const environmentOf = async (url: string) =>
  (await (await fetch(`${url}/env`)).json()) as Record<string, string | undefined>;

const pidsOf = (system: Awaited<ReturnType<typeof started>>) =>
  [...Object.values(system.services), system.postgres, system.redis].map((each) => each?.pid as number);

describe('a system', () => {
  it('gives each service what it needs, and the owner’s password and the admin key to none that does not', async () => {
    const system = await started({ replicas: { routing: 2 } });
    expect(Object.keys(system.services)).toEqual(['gateway', 'routing', 'routing-2']);
    const gateway = await environmentOf(system.url);
    const routing = await environmentOf(system.services.routing?.url as string);
    expect(gateway.ROUTING_URL).toBe(system.services.routing?.url);
    expect(gateway.COUNTERSIGN_ADMIN_KEY).toMatch(/^cs_live_[\w-]{43}$/);
    expect(gateway.COUNTERSIGN_ADMIN_KEY).toBe(system.adminKey);
    expect(routing.COUNTERSIGN_ADMIN_KEY).toBeUndefined();
    expect(routing.DATABASE_URL).toBe(`postgres://127.0.0.1:${system.postgres?.port}/countersign`);
    expect(routing.REDIS_URL).toBe(system.redisUrl);
    expect(routing.COUNTERSIGN_SECRET_KEY).toBe(system.secretKey);
    expect(Buffer.from(system.secretKey, 'base64')).toHaveLength(32);
    expect(routing.COUNTERSIGN_PUBLIC_URL).toBe(system.url);
    expect(routing.COUNTERSIGN_WEBHOOK_ALLOW).toBe('127.0.0.0/8,::1/128');
    expect(routing.NODE_ENV).toBe('production');
  });

  it('runs several of any service, the first gateway on the public port and others where they are told', async () => {
    const port = await freePort();
    const system = await started({ replicas: { gateway: 2, routing: 2 }, ports: { 'routing-2': port } });
    expect(Object.keys(system.services)).toEqual(['gateway', 'gateway-2', 'routing', 'routing-2']);
    const second = system.services['gateway-2'];
    expect(second?.port).not.toBe(system.services.gateway?.port);
    expect((await environmentOf(system.url)).COUNTERSIGN_PORT).toBe(new URL(system.url).port);
    expect((await environmentOf(second?.url as string)).COUNTERSIGN_PORT).toBe(String(second?.port));
    expect(system.services['routing-2']?.port).toBe(port);
  });

  it('shows warnings of a service on the console and keeps everything in its log', async () => {
    await started();
    await until(() => lines.includes('routing: careful'));
    expect(lines.join('\n')).not.toContain('listening');
    expect(readFileSync(path.join(folder, 'data', 'logs', 'routing.log'), 'utf8')).toContain('listening');
  });

  it('restarts what ends by itself on the same port, and says so', async () => {
    const system = await started();
    const routing = system.services.routing;
    const first = routing?.pid as number;
    process.kill(first, 'SIGKILL');
    await until(() => routing?.pid !== undefined && routing.pid !== first);
    await routing?.untilReady();
    expect(lines).toContain('routing exited (signal SIGKILL); restarting in 500 ms');
    const redis = system.redis?.pid as number;
    process.kill(redis, 'SIGKILL');
    await until(() => system.redis?.pid !== undefined && system.redis.pid !== redis);
    expect(lines).toContain('Redis exited (signal SIGKILL); restarting in 500 ms');
  });

  it('leaves down what was killed or stopped on purpose, until it is started', async () => {
    const system = await started();
    const routing = system.services.routing;
    await routing?.kill();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(routing?.pid).toBeUndefined();
    await routing?.start();
    expect((await fetch(`${routing?.url}/readyz`)).status).toBe(200);
    await routing?.stop();
    await routing?.start();
    expect((await fetch(`${routing?.url}/readyz`)).status).toBe(200);
    expect(lines.filter((line) => line.includes('restarting'))).toEqual([]);
  });

  it('stops everything, also a service that does not listen to SIGTERM', async () => {
    const system = await started({ serviceEnv: { routing: { DEAF: '1' } } });
    const pids = pidsOf(system);
    expect(pids.every((pid) => processIdentity(pid))).toBe(true);
    await system.stop();
    expect(pids.filter((pid) => processIdentity(pid))).toEqual([]);
    expect(lines).toContain('routing did not stop within 10000 ms; killing it');
  });

  it('prints an admin key for the first start of a data folder only, and keeps its secret key', async () => {
    const first = await started();
    expect(first.firstStart).toBe(true);
    await first.stop();
    const second = await started();
    expect(second.firstStart).toBe(false);
    expect(second.adminKey).toBeNull();
    expect(second.secretKey).toBe(first.secretKey);
    expect((await environmentOf(second.url)).COUNTERSIGN_ADMIN_KEY).toBeUndefined();
  });

  it('refuses a data folder that another start holds, and leaves that one running', async () => {
    const system = await started();
    await expect(startSystem(await options())).rejects.toThrow(/already runs on .* \(pid \d+\)/);
    expect((await fetch(`${system.url}/readyz`)).status).toBe(200);
  });

  it('refuses a port that is taken, and leaves nothing behind', async () => {
    const system = await started();
    const dataDir = path.join(folder, 'other');
    const taken = { ...(await options()), dataDir, port: Number(new URL(system.url).port) };
    await expect(startSystem(taken)).rejects.toThrow(/port \d+ is in use: set COUNTERSIGN_PORT/);
    expect(existsSync(path.join(dataDir, 'run', 'lock.json'))).toBe(false);
  });

  it('says where to look when a service ends while starting, and stops the rest', async () => {
    writeFileSync(path.join(folder, 'broken.cjs'), `throw new Error('no such table');`);
    const given = await options();
    given.entryPoints.routing = path.join(folder, 'broken.cjs');
    await expect(startSystem(given)).rejects.toThrow(/routing exited \(code 1\); its log is .*routing\.log/);
    expect(lines.join('\n')).toContain('no such table');
    expect(existsSync(path.join(given.dataDir, 'run', 'lock.json'))).toBe(false);
  });

  it('gives up a start that is aborted, and stops what it had started', async () => {
    const abort = new AbortController();
    const starting = startSystem({ ...(await options()), signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 300);
    await expect(starting).rejects.toThrow('enough');
    const again = await started();
    expect((await fetch(`${again.url}/readyz`)).status).toBe(200);
  });

  it('leaves nothing running when its supervisor is killed, and starts again after that', async () => {
    const given = await options();
    const supervisor = path.join(folder, 'supervisor.mjs');
    writeFileSync(
      supervisor,
      `import { startSystem } from ${JSON.stringify(path.join(root, 'tools', 'up', 'system.mjs'))};
       const system = await startSystem({ ...${JSON.stringify(given)}, log: () => undefined });
       const all = [...Object.values(system.services), system.postgres, system.redis];
       console.log(JSON.stringify(all.map((each) => each.pid)));`,
    );
    const child = spawn(process.execPath, [supervisor], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    const pids = JSON.parse(output.toString()) as number[];
    expect(pids).toHaveLength(4);
    child.kill('SIGKILL');
    await until(() => pids.every((pid) => !processIdentity(pid)));
    const next = await started();
    expect(pidsOf(next).every((pid) => processIdentity(pid))).toBe(true);
  });
});
