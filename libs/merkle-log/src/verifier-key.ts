import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { publicKeyBytes } from './signing-key';

/** What an Ed25519 key signs: a note's text as it is (c2sp.org/signed-note). */
export const ED25519 = 0x01;
/** Or what a witness says about a checkpoint (c2sp.org/tlog-cosignature). */
export const COSIGNATURE_V1 = 0x04;
export type KeyAlgorithm = typeof ED25519 | typeof COSIGNATURE_V1;

const KEY_BYTES = 32;

export interface VerifierKey {
  name: string;
  algorithm: KeyAlgorithm;
  keyId: Buffer;
  publicKey: KeyObject;
}

/** Whether a key may have this name: not empty, no white space, no `+`, no control characters or lone surrogates. */
export function isKeyName(name: string): boolean {
  return /^[^\s\p{Cc}\p{Cs}+]+$/u.test(name);
}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key), c2sp.org/signed-note. */
export function keyId(name: string, publicKey: KeyObject, algorithm: KeyAlgorithm = ED25519): Buffer {
  const material = Buffer.concat([
    Buffer.from(`${name}\n`, 'utf8'),
    Buffer.from([algorithm]),
    publicKeyBytes(publicKey),
  ]);
  return createHash('sha256').update(material).digest().subarray(0, 4);
}

/** The text by which others know the key: `<name>+<key id, hex>+<base64 of algorithm ‖ public key>`. */
export function verifierKey(name: string, publicKey: KeyObject, algorithm: KeyAlgorithm = ED25519): string {
  if (!isKeyName(name)) throw new TypeError('a key name has no white space and no "+"');
  const typed = Buffer.concat([Buffer.from([algorithm]), publicKeyBytes(publicKey)]);
  return `${name}+${keyId(name, publicKey, algorithm).toString('hex')}+${typed.toString('base64')}`;
}

/** Reads a `verifierKey` of either algorithm; throws `TypeError` when it is malformed, of another algorithm, or its id does not fit. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const typed = Buffer.from(encoded ?? '', 'base64');
  const algorithm = [ED25519, COSIGNATURE_V1].find((known) => known === typed[0]) as KeyAlgorithm | undefined;
  if (
    !name ||
    !isKeyName(name) ||
    !algorithm ||
    typed.length !== 1 + KEY_BYTES ||
    typed.toString('base64') !== encoded
  ) {
    throw new TypeError('not an Ed25519 verifier key');
  }
  const x = typed.subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const computed = keyId(name, publicKey, algorithm);
  if (computed.toString('hex') !== id) throw new TypeError('the verifier key does not fit its key id');
  return { name, algorithm, keyId: computed, publicKey };
}
