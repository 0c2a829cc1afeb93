import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  checkpointBody,
  cosign,
  COSIGNATURE_V1,
  newSigningSeed,
  readNote,
  signNote,
  signingKeyFromSeed,
  verifierKey,
} from '@countersign/merkle-log';
import { SecretBox } from '@countersign/secret-box';
import { secretKey, type TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { originOf } from '../src/log/audit-log';
import { appendFacts, appendMany } from './append-facts';
import { createAudit } from './create-audit';
import { frontDoorKey, openFrontDoor, type FrontDoor } from './front-door';
import { oldFacts, pruneTo } from './prune-log';
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

  it('mirrors a log, and goes on from there', async () => {
    const key = await get('verifier-key');
    const dir = path.join(desk.dir, 'mirror');
    const args = ['mirror', '--url', `${door.url}/v1/audit/log/`, '--dir', dir, '--key', key];
    const first = await runVerify(args);
    expect(first).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^verified: \d+ entries of countersign\/\S+\n$/),
    });
    expect((await readdir(dir)).sort()).toEqual(['checkpoint', 'tile']);
    await appendMany(service, workspace, 300);
    expect(await runVerify(args)).toMatchObject({ code: 0, output: expect.stringContaining('seen before') });
  });

  /** A log whose beginning may be pruned, and how to mirror it into a folder. */
  const oldLog = async (entries: number) => {
    const workspaceId = v7();
    await appendFacts(service, oldFacts(workspaceId, entries));
    const key = (await service.get('/v1/audit/verifier-key', { workspace: workspaceId })).text;
    const mirror = async (
      dir: string,
      { hidden = [], more = [] }: { hidden?: string[]; more?: string[] } = {},
    ) => {
      const own = await openFrontDoor(service, { workspace: workspaceId, hidden });
      const args = ['--url', `${own.url}/v1/audit/log`, '--dir', path.join(desk.dir, dir), '--key', key];
      return runVerify(['mirror', ...args, ...more]).finally(() => own.close());
    };
    const verifyExport = async (change: (lines: string[]) => string[] = (lines) => lines) => {
      const note = (await service.get('/v1/audit/checkpoint', { workspace: workspaceId })).text;
      const checkpoint = await desk.file(`${workspaceId}.checkpoint`, note);
      const lines = change(await exportLines(service, workspaceId));
      return runVerify(
        ['export', '--entries', '-', '--checkpoint', checkpoint, '--key', key],
        lines.join('\n'),
      );
    };
    return { workspaceId, mirror, verifyExport };
  };

  /** A checkpoint as the log itself would sign it. */
  const signedTree = async (workspaceId: string, size: number, root: Buffer): Promise<string> => {
    const [head] = await service.sql<{ sealed_seed: Buffer }>(
      'SELECT sealed_seed FROM log_head WHERE workspace_id = $1',
      [workspaceId],
    );
    const seed = SecretBox.fromKey(secretKey).open(head!.sealed_seed, `log:${workspaceId}`);
    const origin = originOf(workspaceId);
    return signNote(checkpointBody(origin, BigInt(size), root), origin, signingKeyFromSeed(seed).privateKey);
  };

  it('says what a mirror has read now, and fetches again what is missing or wrong in its folder', async () => {
    const { workspaceId, mirror } = await oldLog(800);
    const fileOf = (name: string) => path.join(desk.dir, 'damaged', ...name.split('/'));
    const flip = async (name: string, at: number) => {
      const bytes = await readFile(fileOf(name));
      bytes[at]! ^= 1;
      await writeFile(fileOf(name), bytes);
    };
    const whole = /^verified: 800 entries of \S+\n$/;
    expect(await mirror('damaged')).toMatchObject({ code: 0, output: expect.stringMatching(whole) });
    await appendFacts(service, oldFacts(workspaceId, 12));
    const told = (note: string, read: string) =>
      new RegExp(`^verified: 812 entries of \\S+, continuing the 8\\d\\d seen before${read}${note}\\n$`);
    const mended = (...names: string[]) =>
      `; note: fetched again what was missing or wrong in the folder: ${names.join(', ')}`;
    const read = (now: number) =>
      `; ${now} were read now, and ${812 - now} by an earlier run: nobody has changed their files since \\(--full reads them again\\)`;
    expect(await mirror('damaged')).toEqual({ code: 0, output: expect.stringMatching(told('', read(44))) });
    for (const [damage, note] of [
      [() => rm(fileOf('tile/entries/001')), mended('tile/entries/001')],
      [() => truncate(fileOf('tile/entries/001'), 1_000), mended('tile/entries/001')],
      [() => truncate(fileOf('tile/entries/001'), 0), mended('tile/entries/001')],
      [() => flip('tile/entries/001', 500), mended('tile/entries/001')],
      [() => rm(fileOf('tile/0/001')), mended('tile/0/001')],
      [() => truncate(fileOf('tile/0/001'), 100), mended('tile/0/001')],
      [() => flip('tile/0/001', 40), mended('tile/0/001')],
      // Touched, and yet right.
      [() => appendFile(fileOf('tile/entries/001'), ''), ''],
    ] as const) {
      await damage();
      expect(await mirror('damaged')).toEqual({
        code: 0,
        output: expect.stringMatching(told(note, note === '' ? '.*' : read(300))),
      });
    }
    await flip('tile/entries/000', 10);
    await flip('tile/0/002', 10);
    expect(await mirror('damaged', { more: ['--full'] })).toEqual({
      code: 0,
      output: expect.stringMatching(told(mended('tile/entries/000', 'tile/0/002'), '')),
    });
    await rm(fileOf('tile/entries'), { recursive: true });
    expect(await mirror('damaged')).toMatchObject({
      code: 0,
      output: expect.stringContaining('wrong in the folder: tile/entries/000, tile/entries/001'),
    });
  });

  it('finds what the log itself has changed, whatever the folder has', async () => {
    const { workspaceId, mirror } = await oldLog(300);
    expect(await mirror('changed')).toMatchObject({ code: 0 });
    await service.sql(`UPDATE entry SET type = 'fact.changed' WHERE workspace_id = $1 AND index = 7`, [
      workspaceId,
    ]);
    expect(await mirror('changed', { more: ['--full'] })).toMatchObject({ code: 0 });
    await rm(path.join(desk.dir, 'changed', 'tile', 'entries', '000'));
    for (let times = 0; times < 2; times++)
      expect(await mirror('changed')).toMatchObject({
        code: 1,
        output: expect.stringContaining('index 7: what it says does not give its leaf hash'),
      });
  });

  const witnessOf = (name: string) => {
    const { privateKey, publicKey } = signingKeyFromSeed(newSigningSeed());
    return {
      key: verifierKey(name, publicKey, COSIGNATURE_V1),
      sign: (note: string) => note + cosign(readNote(note).body, name, privateKey, 1_700_000_000),
    };
  };

  it('says how far witnesses vouch for a log that has gone on since', async () => {
    const { workspaceId, mirror } = await oldLog(300);
    const on = { workspace: workspaceId };
    const [one, two] = [witnessOf('w1'), witnessOf('w2')];
    const checkpoint = async () => (await service.get('/v1/audit/log/checkpoint', on)).text;
    const hand = async (note: string) => {
      const headers = { 'content-type': 'text/plain' };
      const { status } = await service.call('POST', '/v1/audit/log/cosignatures', note, { ...on, headers });
      expect(status).toBe(201);
      return readNote(note).body.split('\n')[1]!;
    };
    const witnessed = (witnesses: (typeof one)[], quorum?: number) => {
      const given = witnesses.flatMap(({ key }) => ['--witness', key]);
      return mirror('witnessed', { more: [...given, ...(quorum ? ['--quorum', String(quorum)] : [])] });
    };
    for (const { key } of [one, two])
      await service.call('POST', '/v1/audit/log/witnesses', { verifierKey: key }, on);
    expect(await witnessed([one])).toEqual({
      code: 2,
      output: expect.stringMatching(
        /0 of these witnesses vouch for the log, not 1; all else is right: verified: 302/,
      ),
    });
    const first = await hand(one.sign(await checkpoint()));
    expect(await witnessed([one])).toMatchObject({
      code: 0,
      output: expect.stringContaining(
        '; cosigned up to 302 of 302 entries: w1 302 at 2023-11-14T22:13:20.000Z',
      ),
    });
    await appendFacts(service, oldFacts(workspaceId, 1));
    expect(await witnessed([one])).toMatchObject({
      code: 0,
      output: expect.stringContaining(`; cosigned up to ${first} of 303 entries: w1 302 at`),
    });
    expect(await witnessed([one, two], 1)).toMatchObject({ code: 0 });
    expect(await witnessed([one, two])).toMatchObject({
      code: 2,
      output: expect.stringContaining('1 of these witnesses vouch for the log, not 2'),
    });
    await hand(two.sign(await checkpoint()));
    await appendFacts(service, oldFacts(workspaceId, 300));
    expect(await witnessed([one, two])).toMatchObject({
      code: 0,
      output: expect.stringContaining('; cosigned up to 302 of 603 entries: w2 303 at'),
    });
    expect(await witnessed([one, two], 1)).toMatchObject({
      code: 0,
      output: expect.stringContaining('; cosigned up to 303 of 603 entries: w2 303 at'),
    });
  });

  it('does not count cosignatures that nothing can be compared with any more, nor holds them against the log', async () => {
    const { workspaceId, mirror } = await oldLog(300);
    const on = { workspace: workspaceId };
    const witness = witnessOf('w1');
    // Without an entry of today, which would keep what is around it from being pruned.
    await service.sql('INSERT INTO witness (workspace_id, id, name, verifier_key) VALUES ($1, $2, $3, $4)', [
      workspaceId,
      v7(),
      'w1',
      witness.key,
    ]);
    const note = witness.sign((await service.get('/v1/audit/log/checkpoint', on)).text);
    const headers = { 'content-type': 'text/plain' };
    const { status } = await service.call('POST', '/v1/audit/log/cosignatures', note, { ...on, headers });
    expect(status).toBe(201);
    const size = readNote(note).body.split('\n')[1];
    await appendFacts(service, oldFacts(workspaceId, 500));
    await pruneTo(service, workspaceId, 768);
    expect(await mirror('incomparable', { more: ['--witness', witness.key] })).toEqual({
      code: 2,
      output: expect.stringContaining(`what w1 has signed at ${size} entries cannot be compared`),
    });
  });

  it('finds that witnesses were shown another log, or a longer one', async () => {
    const { workspaceId, mirror } = await oldLog(300);
    const witness = witnessOf('w1');
    const on = { workspace: workspaceId };
    await service.call('POST', '/v1/audit/log/witnesses', { verifierKey: witness.key }, on);
    const shown = async (size: number) => {
      const note = witness.sign(await signedTree(workspaceId, size, Buffer.alloc(32, 7)));
      const lines = readNote(note).signatures.map(({ line }) => line);
      await service.sql(
        `WITH k AS (INSERT INTO cosigned_checkpoint (workspace_id, size, root, checkpoint, witnesses)
                    VALUES ($1, $2::bigint, '\\x00', $3, 1))
         INSERT INTO cosignature (workspace_id, size, witness_id, signed_at, line)
         SELECT $1, $2::bigint, id, 0, $4 FROM witness WHERE workspace_id = $1`,
        [workspaceId, size, note.slice(0, -lines.at(-1)!.length), lines.at(-1)],
      );
    };
    await shown(200);
    expect(await mirror('shown', { more: ['--witness', witness.key] })).toMatchObject({
      code: 1,
      output: expect.stringContaining(
        'index 0 to 199: the log forked: its first 200 entries are not those of the checkpoint that w1 has signed',
      ),
    });
    expect(await mirror('shown')).toMatchObject({ code: 0 });
    await shown(400);
    expect(await mirror('shown', { more: ['--witness', witness.key] })).toMatchObject({
      code: 1,
      output: expect.stringMatching(
        /index 30\d: the log was cut off: it has 30\d entries, and w1 has signed 400/,
      ),
    });
  });

  it('verifies an export of a log that goes on by the headers that came with it', async () => {
    const key = await kept('key', 'verifier-key');
    const headers = { authorization: `Bearer ${frontDoorKey}` };
    const exported = await fetch(`${door.url}/v1/audit/export`, { headers });
    await appendMany(service, workspace, 20);
    const entries = await desk.file('log.ndjson', await exported.text());
    const head = [...exported.headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const file = await desk.file('head.txt', `HTTP/1.1 200 OK\r\n${head}\r\n`);
    const args = ['export', '--entries', entries, '--key', key, '--checkpoint'];
    expect(await runVerify([...args, file])).toMatchObject({
      code: 0,
      output: expect.stringContaining(`verified: ${exported.headers.get('countersign-tree-size')} entries`),
    });
    const later = await kept('later', 'checkpoint');
    expect(await runVerify([...args, later])).toMatchObject({ code: 1 });
    const proof = await kept(
      'proof-since',
      `proofs/consistency?from=${exported.headers.get('countersign-tree-size')}`,
    );
    const continues = ['consistency', '--from', file, '--checkpoint', later, '--proof', proof, '--key', key];
    expect(await runVerify(continues)).toMatchObject({ code: 0 });
    const other = await desk.file('other.txt', 'HTTP/1.1 401 Unauthorized\r\n\r\n');
    expect(await runVerify([...args, other])).toMatchObject({
      code: 2,
      output: expect.stringContaining('have no Countersign-Checkpoint'),
    });
  });

  it('mirrors what is left of a pruned log', async () => {
    const { workspaceId, mirror } = await oldLog(700);
    await pruneTo(service, workspaceId, 512);
    for (let times = 0; times < 2; times++)
      expect(await mirror('pruned')).toMatchObject({
        code: 0,
        output: expect.stringContaining('those before 512 were pruned'),
      });
  });

  it('goes on with a log that was pruned since, from what the folder has', async () => {
    const { workspaceId, mirror } = await oldLog(512);
    expect(await mirror('since')).toMatchObject({ code: 0 });
    // As if the first run had been interrupted before it had these entries.
    await rm(path.join(desk.dir, 'since', 'tile', 'entries', '001'));
    await appendFacts(service, oldFacts(workspaceId, 300));
    await pruneTo(service, workspaceId, 768);
    for (const more of [[], ['--full']])
      expect(await mirror('since', { more })).toMatchObject({
        code: 0,
        output: expect.stringMatching(/continuing the \d+ seen before; those before 768 were pruned/),
      });
  });

  it('finds a fork behind which everything was pruned, and says what nobody can judge any more', async () => {
    const whole = await oldLog(512);
    expect(await whole.mirror('fork')).toMatchObject({ code: 0 });
    await appendFacts(service, oldFacts(whole.workspaceId, 300));
    await pruneTo(service, whole.workspaceId, 768);
    const checkpoint = path.join(desk.dir, 'fork', 'checkpoint');
    const kept = await readFile(checkpoint, 'utf8');
    // What the log had signed before it was forked: 512 other entries.
    await writeFile(checkpoint, await signedTree(whole.workspaceId, 512, Buffer.alloc(32, 7)));
    expect(await whole.mirror('fork')).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 0 to 511: the log forked'),
    });
    await writeFile(checkpoint, kept);
    expect(await whole.mirror('fork')).toMatchObject({ code: 0 });

    const partial = await oldLog(300);
    expect(await partial.mirror('partial')).toMatchObject({ code: 0 });
    await appendFacts(service, oldFacts(partial.workspaceId, 500));
    await pruneTo(service, partial.workspaceId, 768);
    expect(await partial.mirror('partial')).toMatchObject({
      code: 2,
      output: expect.stringContaining('index 256 to 299: pruned since they were seen'),
    });
    expect(await partial.mirror('partial-anew')).toMatchObject({ code: 0 });
  });

  it('finds hashes hidden that are not the beginning', async () => {
    const { mirror } = await oldLog(1_000);
    const log = '/v1/audit/log/tile';
    const hide = (...names: string[]) => ({ hidden: names.map((name) => `${log}/${name}`) });
    expect(await mirror('hole', hide('0/001'))).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 256: the log has no hashes for it, but for those before'),
    });
    expect(await mirror('hole', hide('entries/002'))).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 512: the log has hashes for it, but no entries'),
    });
    expect(await mirror('hole')).toMatchObject({ code: 0 });
  });

  it('says of the export of a pruned log that it cannot verify it, and what is wrong with the rest', async () => {
    const { workspaceId, verifyExport } = await oldLog(700);
    await pruneTo(service, workspaceId, 512);
    expect(await verifyExport()).toMatchObject({
      code: 2,
      output: expect.stringContaining('the entries before 512 were pruned'),
    });
    const changed = await verifyExport(([first, ...rest]) => [first!.replace('fact.tested', 'x'), ...rest]);
    expect(changed).toMatchObject({ code: 1, output: expect.stringContaining('index 512: what it says') });
    expect(await verifyExport((lines) => lines.slice(1))).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 0: missing, 513 follows'),
    });
  });

  it('notes what is erased, and finds a member that stands twice', async () => {
    const { workspaceId, verifyExport } = await oldLog(10);
    const personal = [{ subject: v7(), kind: 'words', data: { name: 'Desk' } }];
    await appendFacts(service, oldFacts(workspaceId, 3, { personal }));
    expect((await verifyExport()).output).toMatch(/^verified: 13 entries of \S+\n$/);
    await service.sql('UPDATE sealed SET salt = NULL, data = NULL WHERE workspace_id = $1 AND index > 10', [
      workspaceId,
    ]);
    expect(await verifyExport()).toMatchObject({
      code: 0,
      output: expect.stringContaining(
        'note: 2 sealed values in 2 entries are erased, and none of the entries tells of an erasure',
      ),
    });
    const doubled = (line: string, n: number): string =>
      n === 4 ? line.replace('"content":{', '"content":{"actor":{"type":"user"},') : line;
    expect(await verifyExport((lines) => lines.map(doubled))).toMatchObject({
      code: 1,
      output: expect.stringContaining('index 4: a member stands in it twice'),
    });
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
