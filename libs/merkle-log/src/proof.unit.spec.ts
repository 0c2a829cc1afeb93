import fc from 'fast-check';
import { planOfConsistency, planOfInclusion, planOfRoot, verifyConsistency, verifyInclusion } from './proof';
import { rootOfLeaves } from './reference-tree';
import { leafHash, nodeHash } from './tree-hash';
import { hashOf, rangesOf, type HashPlan } from './tree-node';

// The tree of the Certificate Transparency reference implementation and the proofs that it publishes (merkle_tree_test,
// SHA-256), which the test data of transparency-dev/merkle repeat.
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
const leaves = LEAVES.map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
const [A, B, C] = [
  '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
];
const [D, E, F] = [
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
];
const inclusion = [
  { index: 0, size: 1, proof: [] },
  { index: 0, size: 8, proof: [A, B, C] },
  { index: 5, size: 8, proof: [D, E, F] },
  { index: 2, size: 3, proof: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
  { index: 1, size: 5, proof: ['6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', B, D] },
];
const consistency = [
  { from: 1, to: 1, proof: [] },
  { from: 1, to: 8, proof: [A, B, C] },
  { from: 6, to: 8, proof: ['0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a', E, F] },
  { from: 2, to: 5, proof: [B, D] },
];

/** Makes every hash of a tile level from all leaves; refuses what was not asked for beforehand. */
const readerOf = (all: readonly Buffer[], plans: readonly HashPlan[]) => {
  const known = rangesOf(plans);
  return (level: number, index: bigint): Buffer => {
    if (!known.some((range) => range.level === level && index >= range.from && index < range.to))
      throw new Error(`${level}/${index} was not asked for`);
    const width = 256 ** level;
    return rootOfLeaves(all.slice(Number(index) * width, (Number(index) + 1) * width));
  };
};
const prove = (all: readonly Buffer[], plans: readonly HashPlan[]) =>
  plans.map((plan) => hashOf(plan, readerOf(all, plans)));
const hex = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('hex'));

/** PATH and SUBPROOF word for word as RFC 6962 sections 2.1.1 and 2.1.2 define them. */
const splitOf = (n: number) => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};
const path = (m: number, d: readonly Buffer[]): Buffer[] => {
  if (d.length === 1) return [];
  const k = splitOf(d.length);
  return m < k
    ? [...path(m, d.slice(0, k)), rootOfLeaves(d.slice(k))]
    : [...path(m - k, d.slice(k)), rootOfLeaves(d.slice(0, k))];
};
const subproof = (m: number, d: readonly Buffer[], b: boolean): Buffer[] => {
  if (m === d.length) return b ? [] : [rootOfLeaves(d)];
  const k = splitOf(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), rootOfLeaves(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), rootOfLeaves(d.slice(0, k))];
};

const manyLeaves = Array.from({ length: 1_500 }, (_, n) => leafHash(Buffer.from(`${n}`)));
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(255, 256, 257, 511, 512, 513, 1_024),
  fc.integer({ min: 1, max: manyLeaves.length }),
);
const indexAndSize = sizes.chain((size) =>
  fc.tuple(fc.integer({ min: 0, max: size - 1 }), fc.constant(size)),
);
const fromAndTo = sizes.chain((to) => fc.tuple(fc.integer({ min: 0, max: to }), fc.constant(to)));

/** Every way to spoil a proof: a bit of each hash, one hash less anywhere, one more anywhere, two exchanged. */
const mutations = (proof: readonly Buffer[]): Buffer[][] => [
  ...proof.map((hash, at) =>
    proof.map((each, n) =>
      n === at ? Buffer.from(hash.map((byte, b) => (b === 7 ? byte ^ 1 : byte))) : each,
    ),
  ),
  ...proof.map((_, at) => proof.filter((_hash, n) => n !== at)),
  ...[...proof, Buffer.alloc(32)].map((_, at) => [
    ...proof.slice(0, at),
    Buffer.alloc(32, 1),
    ...proof.slice(at),
  ]),
  ...[...proof, Buffer.alloc(32)].map((_, at) => [...proof.slice(0, at), leaves[0]!, ...proof.slice(at)]),
  ...proof
    .slice(1)
    .map((_, at) => [...proof.slice(0, at), proof[at + 1]!, proof[at]!, ...proof.slice(at + 2)]),
  ...proof.map((hash, at) => proof.map((each, n) => (n === at ? hash.subarray(0, 31) : each))),
];

describe('inclusion', () => {
  it.each(inclusion)('gives and accepts the published proof of leaf $index of $size', (vector) => {
    const { index, size, proof } = vector;
    const made = prove(leaves, planOfInclusion(BigInt(index), BigInt(size)));
    expect(hex(made)).toEqual(proof);
    const root = rootOfLeaves(leaves.slice(0, size));
    const claim = { index: BigInt(index), size: BigInt(size), leafHash: leaves[index]!, proof: made, root };
    expect(verifyInclusion(claim)).toBe(true);
  });

  it('is PATH of RFC 6962 at every size, and proves', () => {
    fc.assert(
      fc.property(indexAndSize, ([index, size]) => {
        const all = manyLeaves.slice(0, size);
        const proof = prove(all, planOfInclusion(BigInt(index), BigInt(size)));
        expect(hex(proof)).toEqual(hex(path(index, all)));
        expect(
          verifyInclusion({
            index: BigInt(index),
            size: BigInt(size),
            leafHash: all[index]!,
            proof,
            root: rootOfLeaves(all),
          }),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('proves nothing once anything in it is changed', () => {
    fc.assert(
      fc.property(indexAndSize, ([index, size]) => {
        const all = manyLeaves.slice(0, size);
        const proof = prove(all, planOfInclusion(BigInt(index), BigInt(size)));
        const claim = {
          index: BigInt(index),
          size: BigInt(size),
          leafHash: all[index]!,
          proof,
          root: rootOfLeaves(all),
        };
        for (const mutated of mutations(proof).filter((each) => hex(each).join() !== hex(proof).join()))
          expect(verifyInclusion({ ...claim, proof: mutated })).toBe(false);
        for (const wrong of [index - 1, index + 1, size, -1])
          expect(verifyInclusion({ ...claim, index: BigInt(wrong) })).toBe(false);
        expect(verifyInclusion({ ...claim, leafHash: leafHash(Buffer.from('another')) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: Buffer.alloc(32) })).toBe(false);
        expect(verifyInclusion({ ...claim, size: 0n })).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses an index outside the tree', () => {
    for (const [index, size] of [
      [0n, 0n],
      [3n, 3n],
      [-1n, 3n],
    ] as const)
      expect(() => planOfInclusion(index, size)).toThrow(RangeError);
  });
});

describe('consistency', () => {
  it.each(consistency)('gives and accepts the published proof from $from to $to', ({ from, to, proof }) => {
    const made = prove(leaves, planOfConsistency(BigInt(from), BigInt(to)));
    expect(hex(made)).toEqual(proof);
    const [fromRoot, toRoot] = [from, to].map((size) => rootOfLeaves(leaves.slice(0, size))) as [
      Buffer,
      Buffer,
    ];
    expect(verifyConsistency({ from: BigInt(from), to: BigInt(to), fromRoot, toRoot, proof: made })).toBe(
      true,
    );
  });

  it('is PROOF of RFC 6962 at every pair of sizes, and proves', () => {
    fc.assert(
      fc.property(fromAndTo, ([from, to]) => {
        const all = manyLeaves.slice(0, to);
        const proof = prove(all, planOfConsistency(BigInt(from), BigInt(to)));
        expect(hex(proof)).toEqual(from === 0 ? [] : hex(subproof(from, all, true)));
        const [fromRoot, toRoot] = [rootOfLeaves(all.slice(0, from)), rootOfLeaves(all)];
        expect(verifyConsistency({ from: BigInt(from), to: BigInt(to), fromRoot, toRoot, proof })).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('proves nothing once anything in it is changed', () => {
    fc.assert(
      fc.property(fromAndTo, ([from, to]) => {
        const all = manyLeaves.slice(0, to);
        const proof = prove(all, planOfConsistency(BigInt(from), BigInt(to)));
        const [fromRoot, toRoot] = [rootOfLeaves(all.slice(0, from)), rootOfLeaves(all)];
        const claim = { from: BigInt(from), to: BigInt(to), fromRoot, toRoot, proof };
        for (const mutated of mutations(proof).filter((each) => hex(each).join() !== hex(proof).join()))
          expect(verifyConsistency({ ...claim, proof: mutated })).toBe(false);
        expect(verifyConsistency({ ...claim, fromRoot: Buffer.alloc(32) })).toBe(false);
        // Of an empty tree nothing is proven, so any root continues it.
        if (from > 0) expect(verifyConsistency({ ...claim, toRoot: Buffer.alloc(32) })).toBe(false);
        expect(verifyConsistency({ ...claim, from: BigInt(to + 1) })).toBe(false);
        expect(verifyConsistency({ ...claim, from: -1n })).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a tree that is larger than its continuation', () => {
    expect(() => planOfConsistency(4n, 3n)).toThrow(RangeError);
    expect(() => planOfConsistency(-1n, 3n)).toThrow(RangeError);
  });
});

describe('the plan of a proof', () => {
  it('needs a few runs of hashes, however large the log is', () => {
    for (const size of [2n ** 20n - 1n, 2n ** 40n - 1n, 2n ** 62n + 12_345n]) {
      for (const plans of [
        planOfInclusion(size / 3n, size),
        planOfConsistency(size / 3n, size),
        [planOfRoot(size)],
      ]) {
        const ranges = rangesOf(plans);
        const levels = Math.ceil(size.toString(2).length / 8);
        const read = ranges.reduce((sum, { from, to }) => sum + Number(to - from), 0);
        expect(ranges.length).toBeLessThanOrEqual(3 * levels);
        expect(read).toBeLessThanOrEqual(2 * 256 * levels);
      }
    }
  });

  it('is the root for a size', () => {
    for (const size of [0, 1, 2, 255, 256, 257, 1_000]) {
      const plan = planOfRoot(BigInt(size));
      expect(hashOf(plan, readerOf(manyLeaves, [plan]))).toEqual(rootOfLeaves(manyLeaves.slice(0, size)));
    }
    expect(() => planOfRoot(-1n)).toThrow(RangeError);
  });

  it('hashes as the tree does', () => {
    expect(hashOf([{ height: 1, index: 0n }], (_, index) => leaves[Number(index)]!)).toEqual(
      nodeHash(leaves[0]!, leaves[1]!),
    );
  });
});
