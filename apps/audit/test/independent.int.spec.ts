import { spawn } from 'node:child_process';
import path from 'node:path';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { appendMany } from './append-facts';
import { createAudit } from './create-audit';
import { frontDoorKey, openFrontDoor } from './front-door';

/*
 * Optional, for it needs Go and golang.org/x/mod as Debian packages them: on this machine, or unpacked by
 * `node tools/independent/fetch-go.mjs`. Where they are not, it says so.
 */

const program = path.resolve(__dirname, '../../../tools/independent/verify-tiles.mjs');
const noGo = 3;

let service: TestService;
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(() => service.stop(), 30_000);

const run = (args: readonly string[]): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, COUNTERSIGN_KEY: frontDoorKey },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });

it('the log is verified over HTTP by golang.org/x/mod, where Go is found', async () => {
  const workspace = v7();
  await appendMany(service, workspace, 300);
  const older = (await service.get('/v1/audit/checkpoint', { workspace })).text.split('\n');
  await appendMany(service, workspace, 250);
  const key = (await service.get('/v1/audit/verifier-key', { workspace })).text.trim();
  const door = await openFrontDoor(service, { workspace });
  try {
    const args = [`${door.url}/v1/audit/log`, key, older[1]!, older[2]!];
    const verdict = await run(args);
    if (verdict.code === noGo) {
      process.stderr.write(`NOT VERIFIED BY golang.org/x/mod: ${verdict.output}`);
      return;
    }
    expect(verdict).toEqual({ code: 0, output: `verified 550 entries of countersign/${workspace}\n` });
    const another = await run([...args.slice(0, 3), Buffer.alloc(32).toString('base64')]);
    expect(another.code).toBe(1);
    await service.sql(`UPDATE entry SET type = 'fact.changed' WHERE workspace_id = $1 AND index = 520`, [
      workspace,
    ]);
    const changed = await run(args);
    expect(changed).toMatchObject({ code: 1, output: expect.stringContaining('index 520') });
  } finally {
    await door.close();
  }
}, 300_000);
