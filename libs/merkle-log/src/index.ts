export { emptyRoot, leafHash, nodeHash } from './tree-hash';
export { rootOfLeaves } from './reference-tree';
export {
  appendLeaves,
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
export { keyId, parseVerifierKey, verifierKey, type VerifierKey } from './verifier-key';
export { openNote, signNote, NoteError, type NoteErrorCode, type OpenedNote } from './signed-note';
export { checkpointBody, parseCheckpoint, type Checkpoint } from './checkpoint';
