import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  cosign,
  COSIGNATURE_V1,
  newSigningSeed,
  readNote,
  signingKeyFromSeed,
  verifierKey,
} from '@countersign/merkle-log';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { appendMany } from './append-facts';
import { createAudit } from './create-audit';
import { openFrontDoor, type FrontDoor } from './front-door';
import { exportLines, openDesk, runVerify, type Desk } from './run-verify';

let service: TestService;
let desk: Desk;
let door: FrontDoor;
const workspace = v7();
beforeAll(async () => {
  desk = await openDesk();
  service = await createAudit();
  door = await openFrontDoor(service, { workspace });
  await appendMany(service, workspace, 300);
}, 60_000);
afterAll(async () => {
  await door.close();
  await service.stop();
  await desk.clear();
}, 30_000);

const get = async (path: string) => (await service.get(`/v1/audit/${path}`, { workspace })).text;
const kept = async (name: string, path: string) => desk.file(name, await get(path));

describe('countersign-verify', () => {
  it('verifies an entry, and refuses another one with its proof', async () => {
    const key = await kept('key', 'verifier-key');
    const checkpoint = await kept('checkpoint-300', 'checkpoint');
    const proof = await kept('proof', 'proofs/inclusion?index=7&treeSize=300');
    const lines = await exportLines(service, workspace);
    const entry = await desk.file('entry', lines[7]!);
    const args = ['inclusion', '--proof', proof, '--checkpoint', checkpoint, '--key', key];
    expect(await runVerify([...args, '--entry', entry])).toMatchObject({ code: 0 });
    expect(await runVerify([...args, '--entry', '-'], lines[7])).toMatchObject({ code: 0 });
    const other = await runVerify([...args, '--entry', '-'], lines[8]);
    expect(other).toMatchObject({ code: 1, output: expect.stringContaining('index 8: not proven') });
    const changed = await runVerify(
      [...args, '--entry', '-'],
      lines[7]!.replace('fact.tested', 'fact.changed'),
    );
    expect(changed).toMatchObject({ code: 1, output: expect.stringContaining('index 7: what it says') });
  });

  it('verifies that a checkpoint continues an older one', async () => {
    const key = await get('verifier-key');
    const from = await kept('older', 'checkpoint');
    const size = Number((await readFile(from, 'utf8')).split('\n')[1]);
    await appendMany(service, workspace, 20);
    const to = await kept('newer', 'checkpoint');
    const proof = await kept('continues', `proofs/consistency?from=${size}`);
    const args = ['consistency', '--from', from, '--checkpoint', to, '--key', key];
    expect(await runVerify([...args, '--proof', proof])).toMatchObject({ code: 0 });
    const wrong = await kept('wrong', `proofs/consistency?from=${size - 1}`);
    expect(await runVerify([...args, '--proof', wrong])).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        `index 0 to ${size - 1}: the log of ${size + 20} entries is not proven`,
      ),
    });
    const back = await runVerify([
      'consistency',
      '--from',
      to,
      '--checkpoint',
      from,
      '--key',
      key,
      '--proof',
      proof,
    ]);
    expect(back).toMatchObject({ code: 1, output: expect.stringContaining('the log was cut off') });
  });

  it('verifies cosignatures, each and how many', async () => {
    const key = await get('verifier-key');
    const note = await get('checkpoint');
    const witnesses = ['w1', 'w2'].map((name) => {
      const { privateKey, publicKey } = signingKeyFromSeed(newSigningSeed());
      return {
        key: verifierKey(name, publicKey, COSIGNATURE_V1),
        line: cosign(readNote(note).body, name, privateKey, 1_800_000_000),
      };
    });
    const [one, two] = witnesses as [(typeof witnesses)[0], (typeof witnesses)[0]];
    const checkpoint = await desk.file('cosigned', note + one.line);
    const args = ['cosignatures', '--checkpoint', checkpoint, '--key', key, '--witness', one.key];
    const good = await runVerify(args);
    expect(good).toMatchObject({
      code: 0,
      output: expect.stringContaining('w1 at 2027-01-15T08:00:00.000Z'),
    });
    const both = [...args, '--witness', two.key];
    expect(await runVerify(both)).toMatchObject({
      code: 1,
      output: expect.stringContaining('of 1 of these witnesses, not of 2'),
    });
    expect(await runVerify([...both, '--quorum', '1'])).toMatchObject({ code: 0 });
    expect(await runVerify([...both, '--quorum', '3'])).toMatchObject({ code: 2 });
    const forged = await desk.file(
      'forged',
      note +
        one.line.replace(/^(— \S+ .{20})(.)/m, (_, a: string, b: string) => `${a}${b === 'A' ? 'B' : 'A'}`),
    );
    expect(
      await runVerify(['cosignatures', '--checkpoint', forged, '--key', key, '--witness', one.key]),
    ).toMatchObject({
      code: 1,
      output: expect.stringContaining('the cosignature of w1 is not valid'),
    });
  });

  it('mirrors a log, goes on from there, and notices what was changed in the folder', async () => {
    const key = await get('verifier-key');
    const dir = path.join(desk.dir, 'mirror');
    const args = ['mirror', '--url', `${door.url}/v1/audit/log/`, '--dir', dir, '--key', key];
    const first = await runVerify(args);
    expect(first).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^verified: \d+ entries of countersign\//),
    });
    expect((await readdir(dir)).sort()).toEqual(['checkpoint', 'tile']);
    await appendMany(service, workspace, 300);
    expect(await runVerify(args)).toMatchObject({ code: 0, output: expect.stringContaining('seen before') });
    const tile = path.join(dir, 'tile', '0', '000');
    const bytes = await readFile(tile);
    bytes[40]! ^= 1;
    await writeFile(tile, bytes);
    expect(await runVerify(args)).toMatchObject({ code: 1 });
    // Half a file is fetched anew.
    await writeFile(tile, bytes.subarray(0, 100));
    expect(await runVerify([...args, '--full'])).toMatchObject({ code: 0 });
    const bundle = path.join(dir, 'tile', 'entries', '000');
    const leaves = await readFile(bundle);
    leaves[10]! ^= 1;
    await writeFile(bundle, leaves);
    const full = await runVerify([...args, '--full']);
    expect(full).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 0: what it says does not give its leaf hash'),
    });
  });

  it('mirrors what is left of a pruned log', async () => {
    const pruned = v7();
    await appendMany(service, pruned, 700);
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < 512', [pruned]);
    await service.sql('UPDATE log_head SET first_index = 512, pruned_at = now() WHERE workspace_id = $1', [
      pruned,
    ]);
    const key = (await service.get('/v1/audit/verifier-key', { workspace: pruned })).text;
    const own = await openFrontDoor(service, { workspace: pruned });
    const args = [
      'mirror',
      '--url',
      `${own.url}/v1/audit/log`,
      '--dir',
      path.join(desk.dir, 'pruned'),
      '--key',
      key,
    ];
    try {
      for (let times = 0; times < 2; times++)
        expect(await runVerify(args)).toMatchObject({
          code: 0,
          output: expect.stringContaining('those before 512 were pruned'),
        });
    } finally {
      await own.close();
    }
  });

  it('ends with 2 when it cannot verify, and says what is missing', async () => {
    const key = await get('verifier-key');
    const checkpoint = await kept('checkpoint', 'checkpoint');
    const other = (await service.get('/v1/audit/verifier-key', { workspace: v7() })).text;
    for (const [args, code, output] of [
      [['--help'], 0, 'Exit code'],
      [[], 2, 'Exit code'],
      [['guess'], 2, 'there is no guess'],
      [['export'], 2, '--checkpoint is needed'],
      [['export', '--colour', 'red'], 2, "Unknown option '--colour'"],
      [['export', '--checkpoint', checkpoint, '--key', key], 2, '--entries is needed'],
      [['export', '--checkpoint', checkpoint, '--key', key, '--entries', '/nowhere'], 2, 'ENOENT'],
      [['export', '--checkpoint', '/nowhere', '--key', key], 2, 'ENOENT'],
      [['export', '--checkpoint', checkpoint, '--key', 'abc'], 2, 'not a verifier key'],
      [
        ['export', '--checkpoint', checkpoint, '--key', other, '--entries', '-'],
        1,
        'the checkpoint is not signed by',
      ],
      [['inclusion', '--checkpoint', checkpoint, '--key', key, '--entry', '-'], 2, '--entry is not an entry'],
      [['mirror', '--url', 'http://127.0.0.1:1', '--key', key], 2, '--dir is needed'],
      [
        ['mirror', '--url', `${door.url}/nothing`, '--dir', desk.dir, '--key', key],
        2,
        'checkpoint is not there',
      ],
    ] as const) {
      const verdict = await runVerify(args);
      expect([args, verdict.code, verdict.output]).toEqual([args, code, expect.stringContaining(output)]);
    }
  });
});
