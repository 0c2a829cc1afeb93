import { sign, verify, type KeyObject } from 'node:crypto';
import { NoteError, signatureLine, type NoteSignature } from './signed-note';
import { COSIGNATURE_V1, type VerifierKey, keyId } from './verifier-key';

const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;
const MAX_TIMESTAMP = (1n << 63n) - 1n;

/** A witness says that, at this time, this checkpoint was the newest it had seen of the log, and continued all before. */
export interface Cosignature {
  /** Of the witness's key. */
  name: string;
  /** Seconds since 1970. */
  timestamp: bigint;
}

/** The line of a witness below a checkpoint: `cosignature/v1` with Ed25519, c2sp.org/tlog-cosignature. */
export function cosign(
  body: string,
  name: string,
  privateKey: KeyObject,
  timestamp: bigint | number,
): string {
  const time = BigInt(timestamp);
  if (time < 0n || time > MAX_TIMESTAMP) throw new RangeError('a timestamp is between 0 and 2^63 - 1');
  const stamp = Buffer.alloc(TIMESTAMP_BYTES);
  stamp.writeBigUInt64BE(time);
  const signature = sign(null, cosignedMessage(body, time), privateKey);
  return signatureLine(name, Buffer.concat([keyId(name, privateKey, COSIGNATURE_V1), stamp, signature]));
}

/**
 * Reads a signature of a note as the witness's cosignature: null when it is by another key; throws `NoteError` when it
 * claims to be by this key and is not.
 */
export function openCosignature(
  body: string,
  { name, keyId: id, signature }: NoteSignature,
  key: VerifierKey,
): Cosignature | null {
  if (key.algorithm !== COSIGNATURE_V1) throw new TypeError('not the key of a witness');
  if (name !== key.name || !id.equals(key.keyId)) return null;
  if (signature.length === TIMESTAMP_BYTES + SIGNATURE_BYTES) {
    const timestamp = signature.readBigUInt64BE();
    const message = cosignedMessage(body, timestamp);
    if (
      timestamp <= MAX_TIMESTAMP &&
      verify(null, message, key.publicKey, signature.subarray(TIMESTAMP_BYTES))
    )
      return { name, timestamp };
  }
  throw new NoteError('invalid_signature', `invalid cosignature by ${name}`);
}

function cosignedMessage(body: string, timestamp: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timestamp}\n${body}`, 'utf8');
}
