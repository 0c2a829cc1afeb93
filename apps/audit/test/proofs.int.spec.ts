import { verifyConsistency, verifyInclusion } from '@countersign/merkle-log';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { appendMany } from './append-facts';
import { createAudit } from './create-audit';
import { rootOf, type ApiEntry } from './log-verifier';

const size = 600;
let service: TestService;
const workspace = v7();
let hashes: Buffer[];
beforeAll(async () => {
  service = await createAudit();
  await appendMany(service, workspace, size);
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await service.get(`/v1/audit/entries?limit=200${cursor && `&cursor=${cursor}`}`, {
      workspace,
    });
    hashes = [
      ...(hashes ?? []),
      ...body.data.map((entry: ApiEntry) => Buffer.from(entry.leafHash, 'base64')),
    ];
    cursor = body.nextCursor;
  }
}, 60_000);
afterAll(() => service.stop(), 30_000);

const get = (path: string) => service.get(`/v1/audit/proofs/${path}`, { workspace });
const decoded = (proof: string[]) => proof.map((hash) => Buffer.from(hash, 'base64'));

describe('GET /v1/audit/proofs/inclusion', () => {
  it.each([
    [0, 1],
    [0, 600],
    [255, 256],
    [256, 257],
    [511, 600],
    [599, 600],
    [130, 413],
  ])('proves that entry %i is in the tree of %i', async (index, treeSize) => {
    const { status, body } = await get(`inclusion?index=${index}&treeSize=${treeSize}`);
    expect([status, body.index, body.treeSize, body.leafHash]).toEqual([
      200,
      index,
      treeSize,
      hashes[index]!.toString('base64'),
    ]);
    const root = rootOf(hashes.slice(0, treeSize));
    expect(body.root).toBe(root.toString('base64'));
    const claim = { index: BigInt(index), size: BigInt(treeSize), leafHash: hashes[index]!, root };
    expect(verifyInclusion({ ...claim, proof: decoded(body.proof) })).toBe(true);
  });

  it('proves it in the newest tree when none is named', async () => {
    const { body } = await get('inclusion?index=7');
    expect(body.treeSize).toBe(size);
    const claim = { index: 7n, size: BigInt(size), leafHash: hashes[7]!, root: rootOf(hashes) };
    expect(verifyInclusion({ ...claim, proof: decoded(body.proof) })).toBe(true);
  });

  it('answers 404 for what the log has not, 400 for what is no number', async () => {
    for (const query of ['index=600', 'index=5&treeSize=5', 'index=0&treeSize=601', 'index=0&treeSize=0'])
      expect([query, (await get(`inclusion?${query}`)).status]).toEqual([query, 404]);
    for (const query of [
      '',
      'index=-1',
      'index=x',
      'index=01',
      'index=1.5',
      'index=1&treeSize=',
      'index=1&colour=red',
    ])
      expect([query, (await get(`inclusion?${query}`)).body.code]).toEqual([query, 'validation_failed']);
  });
});

describe('GET /v1/audit/proofs/consistency', () => {
  it.each([
    [1, 600],
    [255, 256],
    [256, 600],
    [300, 599],
    [599, 600],
    [600, 600],
    [0, 600],
  ])('proves that the tree of %i continues in that of %i', async (from, to) => {
    const { status, body } = await get(`consistency?from=${from}&to=${to}`);
    expect([status, body.from, body.to]).toEqual([200, from, to]);
    const [fromRoot, toRoot] = [rootOf(hashes.slice(0, from)), rootOf(hashes.slice(0, to))];
    const claim = { from: BigInt(from), to: BigInt(to), fromRoot, toRoot };
    expect(verifyConsistency({ ...claim, proof: decoded(body.proof) })).toBe(true);
  });

  it('goes to the newest tree when none is named, and refuses what cannot be', async () => {
    expect((await get('consistency?from=17')).body.to).toBe(size);
    expect((await get('consistency?from=17&to=601')).status).toBe(404);
    expect((await get('consistency?from=601')).status).toBe(404);
    expect((await get('consistency?from=18&to=17')).body.code).toBe('validation_failed');
    expect((await get('consistency?to=17')).body.code).toBe('validation_failed');
  });
});

describe('a log whose oldest entries were pruned', () => {
  const pruned = v7();
  beforeAll(async () => {
    await appendMany(service, pruned, size);
    await service.sql('DELETE FROM entry WHERE workspace_id = $1 AND index < 256', [pruned]);
    await service.sql('UPDATE log_head SET first_index = 256, pruned_at = now() WHERE workspace_id = $1', [
      pruned,
    ]);
  });
  const ask = (path: string) => service.get(`/v1/audit/${path}`, { workspace: pruned });

  it('still proves what is left', async () => {
    const { body: page } = await ask('entries?limit=1');
    const [entry] = page.data as ApiEntry[];
    expect(entry!.index).toBe(256);
    const { body } = await ask('proofs/inclusion?index=256');
    const root = Buffer.from(body.root, 'base64');
    const note = (await ask('checkpoint')).text;
    expect(note.split('\n')[2]).toBe(body.root);
    const claim = { index: 256n, size: BigInt(size), leafHash: Buffer.from(entry!.leafHash, 'base64'), root };
    expect(verifyInclusion({ ...claim, proof: decoded(body.proof) })).toBe(true);
    for (const from of [256, 300]) expect((await ask(`proofs/consistency?from=${from}`)).status).toBe(200);
  });

  it('says when and up to where, where what is gone would be needed', async () => {
    for (const path of [
      'log/tile/0/000',
      'log/tile/0/000.p/3',
      'log/tile/entries/000',
      'proofs/inclusion?index=255',
      'proofs/inclusion?index=3&treeSize=9',
      'proofs/consistency?from=100',
    ]) {
      const { status, body } = await ask(path);
      expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
      expect(body.detail).toMatch(/^This needs entries before 256, which were pruned at 20\d\d-/);
    }
    for (const path of ['log/tile/0/001', 'log/tile/1/000.p/2', 'log/tile/entries/001'])
      expect([path, (await ask(path)).status]).toEqual([path, 200]);
  });
});
