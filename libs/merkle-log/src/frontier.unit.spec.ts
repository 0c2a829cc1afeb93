import fc from 'fast-check';
import {
  appendLeaves,
  appendSubtrees,
  emptyFrontier,
  parseFrontier,
  rootOf,
  serializeFrontier,
} from './frontier';
import { rootOfLeaves } from './reference-tree';
import { emptyRoot, leafHash } from './tree-hash';

// The inputs and roots of the Certificate Transparency reference implementation (merkle_tree_test).
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const leafHashes = LEAVES.map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
const anyLeaf = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

describe('rootOf', () => {
  it.each(ROOTS.map((root, size) => ({ root, size })))(
    'gives the reference root of $size leaves',
    ({ root, size }) => {
      const leaves = leafHashes.slice(0, size);
      expect(rootOf(appendLeaves(emptyFrontier(), leaves)).toString('hex')).toBe(root);
      expect(rootOfLeaves(leaves).toString('hex')).toBe(root);
    },
  );

  it('is SHA-256 of nothing for an empty log', () => {
    expect(rootOf(emptyFrontier())).toEqual(emptyRoot());
    expect(emptyRoot().toString('hex')).toBe(ROOTS[0]);
  });
});

describe('appendLeaves', () => {
  it('gives the root of the whole tree, however the leaves were split into batches', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyLeaf, { maxLength: 40 }), { maxLength: 8 }), (batches) => {
        const frontier = batches.reduce((grown, batch) => appendLeaves(grown, batch), emptyFrontier());
        const leaves = batches.flat();
        expect(frontier.size).toBe(BigInt(leaves.length));
        expect(rootOf(frontier)).toEqual(rootOfLeaves(leaves));
        expect(parseFrontier(serializeFrontier(frontier))).toEqual(frontier);
      }),
    );
  });

  it('leaves its argument as it was, and takes a size as a number too', () => {
    const three = appendLeaves(emptyFrontier(), leafHashes.slice(0, 3));
    const copy = serializeFrontier(three);
    const eight = appendLeaves({ size: 3, hashes: three.hashes }, leafHashes.slice(3));
    expect(serializeFrontier(three)).toEqual(copy);
    expect(rootOf(eight).toString('hex')).toBe(ROOTS[8]);
  });

  it('goes on past sizes that a JavaScript number cannot hold', () => {
    const size = 2n ** 60n;
    const grown = appendLeaves({ size, hashes: [leafHashes[0]!] }, [leafHashes[1]!]);
    expect(grown).toEqual({ size: size + 1n, hashes: [leafHashes[0], leafHashes[1]] });
  });

  it('goes on with the roots of subtrees where leaves would have gone, and completes the same hashes', () => {
    const leaf = (n: number) => leafHash(Buffer.from(String(n)));
    const perfect = (from: number, leaves: number) =>
      rootOf(
        appendLeaves(
          emptyFrontier(),
          Array.from({ length: leaves }, (_, n) => leaf(from + n)),
        ),
      );
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.nat(6), (before, subtrees, height) => {
        const width = 2 ** height;
        const start = appendLeaves(
          emptyFrontier(),
          Array.from({ length: before * width }, (_, n) => leaf(n)),
        );
        const roots = Array.from({ length: subtrees }, (_, n) => perfect((before + n) * width, width));
        const leaves = Array.from({ length: subtrees * width }, (_, n) => leaf(before * width + n));
        const [byRoots, byLeaves]: [unknown[], unknown[]] = [[], []];
        expect(appendSubtrees(start, height, roots, (hash) => byRoots.push(hash))).toEqual(
          appendLeaves(start, leaves, (hash) => byLeaves.push(hash)),
        );
        expect(byRoots).toEqual(byLeaves);
      }),
      { numRuns: 50 },
    );
    const [hash] = leafHashes as [Buffer];
    expect(() => appendSubtrees({ size: 1, hashes: [hash] }, 1, [hash])).toThrow(RangeError);
  });

  it('refuses what cannot be a frontier or a leaf hash', () => {
    const [hash] = leafHashes as [Buffer];
    expect(() => appendLeaves({ size: 2, hashes: [hash, hash] }, [])).toThrow(RangeError);
    expect(() => appendLeaves({ size: 1, hashes: [Buffer.alloc(31)] }, [])).toThrow(RangeError);
    expect(() => appendLeaves({ size: -1n, hashes: [] }, [])).toThrow(RangeError);
    expect(() => appendLeaves({ size: 0.5, hashes: [] }, [])).toThrow(RangeError);
    expect(() => appendLeaves(emptyFrontier(), [Buffer.from('ab')])).toThrow(RangeError);
    expect(() => parseFrontier(Buffer.alloc(7))).toThrow(RangeError);
    expect(() => parseFrontier(serializeFrontier({ size: 1, hashes: [hash] }).subarray(0, 39))).toThrow(
      RangeError,
    );
    expect(() => parseFrontier(Buffer.concat([Buffer.alloc(8), hash]))).toThrow(RangeError);
  });
});
