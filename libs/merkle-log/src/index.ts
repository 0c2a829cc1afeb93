export { emptyRoot, leafHash, nodeHash } from './tree-hash';
export { rootOfLeaves } from './reference-tree';
export {
  appendLeaves,
  appendSubtrees,
  emptyFrontier,
  parseFrontier,
  rootOf,
  serializeFrontier,
  type Frontier,
  type FrontierInput,
} from './frontier';
export { canonicalJson } from './canonical-json';
export { commitment, leafBytes, type AuditLeaf, type SealedCommitment } from './audit-leaf';
export { publicKeyBytes, signingKeyFromSeed, newSigningSeed, type SigningKey } from './signing-key';
export {
  COSIGNATURE_V1,
  ED25519,
  keyId,
  parseVerifierKey,
  verifierKey,
  type KeyAlgorithm,
  type VerifierKey,
} from './verifier-key';
export {
  NoteError,
  openNote,
  readNote,
  signNote,
  type NoteErrorCode,
  type NoteSignature,
  type OpenedNote,
} from './signed-note';
export { cosign, openCosignature, type Cosignature } from './cosignature';
export { checkpointBody, parseCheckpoint, type Checkpoint } from './checkpoint';
export { hashOf, rangesOf, type HashLookup, type HashPlan, type HashRange, type TreeNode } from './tree-node';
export { planOfConsistency, planOfInclusion, planOfRoot, verifyConsistency, verifyInclusion } from './proof';
export {
  entryBundle,
  hashesAt,
  isWithin,
  MAX_BUNDLED_LEAF,
  parseEntryBundle,
  parseTile,
  parseTilePath,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
  tilesOf,
  type Tile,
  type TileHash,
} from './tile';
