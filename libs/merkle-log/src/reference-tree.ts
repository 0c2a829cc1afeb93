import { emptyRoot, nodeHash } from './tree-hash';

/**
 * The root by the recursive definition of RFC 6962 section 2.1, from all leaf hashes. It needs the whole
 * log: for verifiers and tests; a growing log uses `appendLeaves` and `rootOf`.
 */
export function rootOfLeaves(leafHashes: readonly Buffer[]): Buffer {
  if (leafHashes.length === 0) return emptyRoot();
  if (leafHashes.length === 1) return Buffer.from(leafHashes[0]!);
  const split = largestPowerOfTwoBelow(leafHashes.length);
  return nodeHash(rootOfLeaves(leafHashes.slice(0, split)), rootOfLeaves(leafHashes.slice(split)));
}

function largestPowerOfTwoBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}
