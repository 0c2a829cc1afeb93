import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';

const SEED_BYTES = 32;
// PKCS #8 wrapper of an Ed25519 seed (RFC 8410 section 7): everything before the 32 bytes is constant.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface SigningKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** 32 random bytes: the whole of an Ed25519 private key (RFC 8032), and what is stored, sealed. */
export function newSigningSeed(): Buffer {
  return randomBytes(SEED_BYTES);
}

/** The Ed25519 key pair of a seed of 32 bytes. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError('an Ed25519 seed has 32 bytes');
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** The 32 bytes of an Ed25519 public key, of a private key also. */
export function publicKeyBytes(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('an Ed25519 key is needed');
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
}
