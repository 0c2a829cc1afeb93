import fc from 'fast-check';
import { appendLeaves, emptyFrontier } from './frontier';
import { rootOfLeaves } from './reference-tree';
import {
  entryBundle,
  hashesAt,
  isWithin,
  MAX_BUNDLED_LEAF,
  parseEntryBundle,
  parseTile,
  parseTilePath,
  tilePath,
  tilesOf,
  type TileHash,
} from './tile';
import { leafHash } from './tree-hash';

describe('tilePath', () => {
  // c2sp.org/tlog-tiles has the first; the others follow from its rules.
  it.each([
    ['tile/0/x001/x234/067', { level: 0, index: 1_234_067n, width: 256 }],
    ['tile/0/000', { level: 0, index: 0n, width: 256 }],
    ['tile/1/999.p/17', { level: 1, index: 999n, width: 17 }],
    ['tile/2/x001/000.p/255', { level: 2, index: 1_000n, width: 255 }],
    ['tile/63/000.p/1', { level: 63, index: 0n, width: 1 }],
    ['tile/entries/x001/234', { level: 'entries' as const, index: 1_234n, width: 256 }],
    ['tile/entries/000.p/1', { level: 'entries' as const, index: 0n, width: 1 }],
    ['tile/0/x036/x028/x797/x018/x963/967', { level: 0, index: 36_028_797_018_963_967n, width: 256 }],
  ])('%s', (path, tile) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it('has one spelling for each tile', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant('entries' as const)),
        fc.bigInt({ min: 0n, max: 2n ** 55n }),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
  });

  it.each([
    'tile/0/1',
    'tile/0/0001',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/-1/000',
    'tile/0/001/234',
    'tile/0/x001',
    'tile/0/x000/234',
    'tile/0/x001/x234',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/',
    'tile/0/000.p',
    'tile/0/000/',
    'tile/0/000?',
    'tile//000',
    'tile/data/000',
    'Tile/0/000',
    'tile/0/x1/x234/067',
    'tile/0/x001/x001/x001/x001/x001/x001/x001/001',
    '/tile/0/000',
    'tile/0/000\n',
  ])('%s is no tile', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});

describe('the tiles of a log', () => {
  it('are those that the specification counts for 70,000 and 256 entries', () => {
    const counted = (size: bigint, level: number) => {
      const tiles = [...tilesOf(size, level)];
      return [tiles.filter(({ width }) => width === 256).length, tiles.at(-1)?.width];
    };
    expect([0, 1, 2].map((level) => counted(70_000n, level))).toEqual([
      [273, 112],
      [1, 17],
      [0, 1],
    ]);
    expect([...tilesOf(70_000n, 3)]).toEqual([]);
    expect([0, 1].map((level) => counted(256n, level))).toEqual([
      [1, 256],
      [0, 1],
    ]);
    expect([...tilesOf(0n, 0)]).toEqual([]);
    expect([...tilesOf(300n, 'entries')].map(tilePath)).toEqual([
      'tile/entries/000',
      'tile/entries/001.p/44',
    ]);
  });

  it('are within it, and nothing beyond them is', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 300_000n }), fc.integer({ min: 0, max: 3 }), (size, level) => {
        const tiles = [...tilesOf(size, level)];
        for (const tile of tiles) expect(isWithin(tile, size)).toBe(true);
        const last = tiles.at(-1);
        const next =
          last && last.width < 256
            ? { ...last, width: last.width + 1 }
            : { level, index: BigInt(tiles.length), width: 1 };
        expect(isWithin(next, size)).toBe(false);
      }),
      { numRuns: 30 },
    );
    expect(hashesAt(8, 2n ** 63n - 1n)).toBe(0n);
  });
});

describe('the hashes that an append completes', () => {
  it('are the roots of full tiles, each once, however the leaves come', () => {
    const leaves = Array.from({ length: 66_000 }, (_, n) => leafHash(Buffer.from(`${n}`)));
    const found: TileHash[] = [];
    let frontier = emptyFrontier();
    for (const [from, to] of [
      [0, 255],
      [255, 257],
      [257, 1_024],
      [1_024, 65_535],
      [65_535, 66_000],
    ])
      frontier = appendLeaves(frontier, leaves.slice(from, to), (hash) => found.push(hash));
    const ofLevel = (level: number) => found.filter((each) => each.level === level);
    expect(ofLevel(1).map(({ index }) => index)).toEqual(Array.from({ length: 257 }, (_, n) => BigInt(n)));
    for (const { index, hash } of ofLevel(1)) {
      const at = Number(index) * 256;
      expect(hash).toEqual(rootOfLeaves(leaves.slice(at, at + 256)));
    }
    expect(ofLevel(2)).toEqual([{ level: 2, index: 0n, hash: rootOfLeaves(leaves.slice(0, 65_536)) }]);
    expect(ofLevel(3)).toEqual([]);
  });
});

describe('an entry bundle', () => {
  it('has each entry after its length, big-endian', () => {
    expect(entryBundle([Buffer.from('ab'), Buffer.alloc(0), Buffer.alloc(258, 1)])).toEqual(
      Buffer.concat([
        Buffer.from([0, 2]),
        Buffer.from('ab'),
        Buffer.from([0, 0]),
        Buffer.from([1, 2]),
        Buffer.alloc(258, 1),
      ]),
    );
  });

  it('is read back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }), (leaves) => {
        const parsed = parseEntryBundle(entryBundle(leaves));
        expect(parsed.map((leaf) => leaf.toString('hex'))).toEqual(
          leaves.map((leaf) => Buffer.from(leaf).toString('hex')),
        );
      }),
    );
  });

  it('takes the longest leaf that two bytes can count, and none longer', () => {
    expect(parseEntryBundle(entryBundle([Buffer.alloc(MAX_BUNDLED_LEAF)]))[0]).toHaveLength(65_535);
    expect(() => entryBundle([Buffer.alloc(MAX_BUNDLED_LEAF + 1)])).toThrow(RangeError);
  });

  it('is refused when it is cut', () => {
    const bundle = entryBundle([Buffer.from('abc'), Buffer.from('d')]);
    for (const length of [1, 2, 4, 6, 7])
      expect(() => parseEntryBundle(bundle.subarray(0, length))).toThrow(RangeError);
  });
});

describe('parseTile', () => {
  it('gives the hashes, and refuses what is not whole', () => {
    expect(parseTile(Buffer.concat([Buffer.alloc(32, 1), Buffer.alloc(32, 2)]))).toEqual([
      Buffer.alloc(32, 1),
      Buffer.alloc(32, 2),
    ]);
    for (const length of [0, 31, 33, 257 * 32])
      expect(() => parseTile(Buffer.alloc(length))).toThrow(RangeError);
  });
});
