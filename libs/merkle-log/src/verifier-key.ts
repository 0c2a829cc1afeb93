import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { publicKeyBytes } from './signing-key';

const ED25519 = 0x01;
const KEY_BYTES = 32;

export interface VerifierKey {
  name: string;
  keyId: Buffer;
  publicKey: KeyObject;
}

/** Whether a key may have this name: not empty, no white space, no `+`, no control characters or lone surrogates. */
export function isKeyName(name: string): boolean {
  return /^[^\s\p{Cc}\p{Cs}+]+$/u.test(name);
}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), c2sp.org/signed-note. */
export function keyId(name: string, publicKey: KeyObject): Buffer {
  const material = Buffer.concat([
    Buffer.from(`${name}\n`, 'utf8'),
    Buffer.from([ED25519]),
    publicKeyBytes(publicKey),
  ]);
  return createHash('sha256').update(material).digest().subarray(0, 4);
}

/** The text by which others know the key: `<name>+<key id, hex>+<base64 of 0x01 ‖ public key>`. */
export function verifierKey(name: string, publicKey: KeyObject): string {
  if (!isKeyName(name)) throw new TypeError('a key name has no white space and no "+"');
  const typed = Buffer.concat([Buffer.from([ED25519]), publicKeyBytes(publicKey)]);
  return `${name}+${keyId(name, publicKey).toString('hex')}+${typed.toString('base64')}`;
}

/** Reads an Ed25519 `verifierKey`; throws `TypeError` when it is malformed, of another algorithm, or its id does not fit. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text) ?? [];
  const typed = Buffer.from(encoded ?? '', 'base64');
  if (
    !name ||
    !isKeyName(name) ||
    typed[0] !== ED25519 ||
    typed.length !== 1 + KEY_BYTES ||
    typed.toString('base64') !== encoded
  ) {
    throw new TypeError('not an Ed25519 verifier key');
  }
  const x = typed.subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const computed = keyId(name, publicKey);
  if (computed.toString('hex') !== id) throw new TypeError('the verifier key does not fit its key id');
  return { name, keyId: computed, publicKey };
}
