import { gunzipSync } from 'node:zlib';
import { leafHash, parseEntryBundle, parseTile, tilePath, tilesOf } from '@countersign/merkle-log';
import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { appendFacts, appendMany, factOf } from './append-facts';
import { createAudit } from './create-audit';
import { frontDoorKey, openFrontDoor, type FrontDoor } from './front-door';
import { commitmentOf, leafHashOf, openCheckpoint, rootOf, type ApiEntry } from './log-verifier';

let service: TestService;
const doors: FrontDoor[] = [];
beforeAll(async () => {
  service = await createAudit();
}, 60_000);
afterAll(async () => {
  for (const door of doors) await door.close();
  await service.stop();
}, 30_000);

interface Fetched {
  status: number;
  headers: Headers;
  bytes: Buffer;
}
const readerOf = async (workspace: string, workflows: string[] | null = null) => {
  const door = await openFrontDoor(service, { workspace, workflows });
  doors.push(door);
  return async (path: string, headers: Record<string, string> = {}): Promise<Fetched> => {
    const answer = await fetch(`${door.url}/v1/audit/${path}`, {
      headers: { authorization: `Bearer ${frontDoorKey}`, 'accept-encoding': 'identity', ...headers },
    });
    return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
};
const codeOf = ({ status, bytes }: Fetched) => [status, JSON.parse(bytes.toString()).code];

const everyEntry = async (workspace: string): Promise<ApiEntry[]> => {
  const entries: ApiEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await service.get(`/v1/audit/entries?limit=200${cursor && `&cursor=${cursor}`}`, {
      workspace,
    });
    entries.push(...body.data);
    cursor = body.nextCursor;
  }
  return entries;
};

describe('the tiles of a log of 700 entries', () => {
  const workspace = v7();
  let read: Awaited<ReturnType<typeof readerOf>>;
  let hashes: Buffer[];
  beforeAll(async () => {
    await appendMany(service, workspace, 700);
    read = await readerOf(workspace);
    hashes = (await everyEntry(workspace)).map((entry) => Buffer.from(entry.leafHash, 'base64'));
  }, 60_000);

  it('hold all hashes, and give the root of the checkpoint', async () => {
    const found: Buffer[] = [];
    for (const tile of tilesOf(700n, 0)) {
      const { status, headers, bytes } = await read(`log/${tilePath(tile)}`);
      expect([status, headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
      expect(headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      found.push(...parseTile(bytes));
    }
    expect(found).toEqual(hashes);
    const checkpoint = await read('log/checkpoint');
    expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(checkpoint.headers.get('cache-control')).toBe('no-cache');
    expect(checkpoint.bytes).toEqual((await read('checkpoint')).bytes);
    const key = (await read('verifier-key')).bytes.toString();
    expect(openCheckpoint(checkpoint.bytes.toString(), key).root).toBe(rootOf(found).toString('base64'));
    const above = parseTile((await read('log/tile/1/000.p/2')).bytes);
    expect(above).toEqual([rootOf(hashes.slice(0, 256)), rootOf(hashes.slice(256, 512))]);
  });

  it('hold all entries, compressed for who wants that', async () => {
    const leaves: Buffer[] = [];
    for (const tile of tilesOf(700n, 'entries')) {
      const plain = await read(`log/${tilePath(tile)}`);
      const zipped = await read(`log/${tilePath(tile)}`, { 'accept-encoding': 'br, gzip;q=0.5' });
      expect(zipped.headers.get('content-encoding')).toBe('gzip');
      expect(Number(zipped.headers.get('content-length'))).toBeLessThan(plain.bytes.length);
      expect(zipped.bytes).toEqual(plain.bytes);
      expect(plain.headers.get('content-encoding')).toBeNull();
      leaves.push(...parseEntryBundle(plain.bytes));
    }
    expect(leaves.map(leafHash)).toEqual(hashes);
    expect(JSON.parse(leaves[0]!.toString())).toMatchObject({ v: 1, type: 'fact.tested' });
    expect(() => gunzipSync(leaves[0]!)).toThrow();
  });

  it('are there as full and as partial tiles of every width up to the size, and not beyond it', async () => {
    for (const path of [
      'tile/0/000.p/1',
      'tile/0/000.p/255',
      'tile/0/002.p/188',
      'tile/entries/002.p/1',
      'tile/1/000.p/1',
    ])
      expect([path, (await read(`log/${path}`)).status]).toEqual([path, 200]);
    expect(parseTile((await read('log/tile/0/002.p/7')).bytes)).toEqual(hashes.slice(512, 519));
    for (const path of [
      'tile/0/002.p/189',
      'tile/0/002',
      'tile/0/003.p/1',
      'tile/1/000.p/3',
      'tile/1/000',
      'tile/2/000.p/1',
      'tile/63/000.p/1',
      'tile/64/000.p/1',
      'tile/entries/002',
      'tile/0/0',
      'tile/0/x000/001',
      'tile/00/000',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/0/00%30',
      'tile/0/x999/x999/x999/x999/x999/x999/999',
      'tile/entries/abc',
      'tile/a/000',
    ])
      expect([path, ...codeOf(await read(`log/${path}`))]).toEqual([path, 404, 'not_found']);
  });

  it('give another workspace nothing', async () => {
    const other = await readerOf(v7());
    expect(codeOf(await other('log/tile/0/000'))).toEqual([404, 'not_found']);
    expect(codeOf(await other('log/tile/entries/000'))).toEqual([404, 'not_found']);
  });

  it('give a key of some workflows hashes and proofs, and no entries', async () => {
    const limited = await readerOf(workspace, ['purchase-order']);
    expect((await limited('log/tile/0/000')).status).toBe(200);
    expect((await limited('proofs/inclusion?index=3')).status).toBe(200);
    for (const path of ['tile/entries/000', 'tile/entries/999', 'tile/entries/abc'])
      expect(codeOf(await limited(`log/${path}`))).toEqual([403, 'workflow_not_allowed']);
  });
});

describe('a log of 66,000 entries', () => {
  const workspace = v7();
  let read: Awaited<ReturnType<typeof readerOf>>;
  beforeAll(async () => {
    await appendMany(service, workspace, 66_000);
    read = await readerOf(workspace);
  }, 120_000);

  it('has tiles on three levels, each made of those below', async () => {
    const roots: Buffer[] = [];
    for (const tile of [...tilesOf(66_000n, 0)].slice(0, 257)) {
      if (Number(tile.index) % 64 && Number(tile.index) < 250) continue;
      const root = rootOf(parseTile((await read(`log/${tilePath(tile)}`)).bytes));
      const level1 = parseTile(
        (await read(tile.index < 256n ? 'log/tile/1/000' : 'log/tile/1/001.p/1')).bytes,
      );
      expect(level1[Number(tile.index % 256n)]).toEqual(root);
      roots.push(root);
    }
    expect(roots.length).toBeGreaterThan(8);
    const level1 = parseTile((await read('log/tile/1/000')).bytes);
    expect(parseTile((await read('log/tile/2/000.p/1')).bytes)).toEqual([rootOf(level1)]);
  }, 60_000);
});

describe('a fact that is too long for a leaf', () => {
  const workspace = v7();
  const queue = Array.from({ length: 20_000 }, () => ({ person: v7(), onBehalfOf: null }));
  const personal = queue.map(({ person }, n) => ({
    subject: person,
    kind: 'why',
    data: { why: `reason ${n}` },
  }));
  const long = factOf(workspace, {
    type: 'request.stage_started',
    content: { actor: { type: 'system', id: null, via: null }, stageKey: 'board', queue },
    personal,
  });
  let entries: ApiEntry[];
  beforeAll(async () => {
    await appendFacts(service, [factOf(workspace), long, factOf(workspace)]);
    entries = await everyEntry(workspace);
  }, 60_000);

  it('stands in the log in parts that each fit', async () => {
    const read = await readerOf(workspace);
    const leaves: Buffer[] = [];
    for (const tile of tilesOf(BigInt(entries.length), 'entries'))
      leaves.push(...parseEntryBundle((await read(`log/${tilePath(tile)}`)).bytes));
    expect(leaves.map((leaf) => leafHash(leaf).toString('base64'))).toEqual(
      entries.map((entry) => entry.leafHash),
    );
    expect(entries.map(leafHashOf)).toEqual(entries.map((entry) => entry.leafHash));
    const parts = entries.slice(2, -1);
    expect(parts.length).toBeGreaterThan(50);
    expect(parts.map(({ type, content }) => [type, content.continues, content.part, content.parts])).toEqual(
      parts.map((_, n) => ['entry.continued', long.id, n + 1, parts.length]),
    );
    expect(entries.at(-1)).toMatchObject({ type: 'fact.tested', index: entries.length - 1 });
  });

  it('is all there when its parts are put together, each sealed item once', () => {
    const [fact, ...parts] = entries.slice(1, -1);
    const { continued, ...content } = fact!.content;
    expect(continued).toEqual({ parts: parts.length });
    expect(Object.keys(content)).toEqual(expect.arrayContaining(['actor', 'stageKey']));
    const text = parts.map((part) => part.content.text ?? '').join('');
    expect({ ...content, ...JSON.parse(text) }).toEqual(long.content);
    const sealed = [fact!, ...parts].flatMap((entry) => entry.sealed);
    expect(sealed.map(({ subject, kind, data }) => ({ subject, kind, data }))).toEqual(personal);
    for (const { salt, data, commitment } of sealed.slice(0, 500))
      expect(commitmentOf(salt ?? '', data)).toBe(commitment);
  });

  it('does not disturb readers of the feed', async () => {
    // Of a request's event the feed waits a minute for the payload.
    await service.sql(`UPDATE entry SET recorded_at = now() - interval '2 minutes' WHERE workspace_id = $1`, [
      workspace,
    ]);
    const { body } = await service.get('/v1/events?limit=200', { workspace });
    expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['request.stage_started']);
  });
});
