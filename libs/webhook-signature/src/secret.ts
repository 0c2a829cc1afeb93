import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';

const symmetricPrefix = 'whsec_';
const privatePrefix = 'whsk_';
const publicPrefix = 'whpk_';
const minBytes = 24;
const maxBytes = 64;
/** Of an Ed25519 seed, and of its public key (RFC 8032 §5.1.5). */
const keyBytes = 32;

/**
 * A fresh symmetric secret, `whsec_` and base64 (Standard Webhooks, "Symmetric").
 * @param bytes 24 to 64
 */
export function newSecret(bytes = 32): string {
  if (!Number.isInteger(bytes) || bytes < minBytes || bytes > maxBytes) {
    throw new RangeError(`a webhook secret has ${minBytes} to ${maxBytes} bytes`);
  }
  return symmetricPrefix + randomBytes(bytes).toString('base64');
}

/**
 * A fresh Ed25519 private key, `whsk_` and base64 of seed and public key, as other implementations of Standard Webhooks
 * write it; the specification fixes no more than the prefix.
 */
export function newPrivateKey(): string {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const bytes = Buffer.concat([Buffer.from(d!, 'base64url'), Buffer.from(x!, 'base64url')]);
  return privatePrefix + bytes.toString('base64');
}

/** The public key of a private one, `whpk_…`. Throws `TypeError` as `parseSecret` does. */
export function publicKeyOf(privateKey: string): string {
  const parsed = parseSecret(privateKey);
  if (parsed.scheme !== 'ed25519') throw malformed();
  const { x } = createPublicKey(parsed.key).export({ format: 'jwk' });
  return publicPrefix + Buffer.from(x!, 'base64url').toString('base64');
}

export type Secret = { scheme: 'hmac'; key: Buffer } | { scheme: 'ed25519'; key: KeyObject };

/** What signs: `whsec_…` or `whsk_…`. Throws a `TypeError` that does not repeat the secret. */
export function parseSecret(secret: string): Secret {
  if (secret.startsWith(symmetricPrefix)) {
    const key = base64(secret.slice(symmetricPrefix.length));
    if (key.length < minBytes || key.length > maxBytes) throw malformed();
    return { scheme: 'hmac', key };
  }
  const bytes = secret.startsWith(privatePrefix) ? base64(secret.slice(privatePrefix.length)) : null;
  if (bytes?.length !== 2 * keyBytes) throw malformed();
  const [d, x] = [bytes.subarray(0, keyBytes), bytes.subarray(keyBytes)].map((half) =>
    half.toString('base64url'),
  );
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d: d!, x: x! }, format: 'jwk' });
  // The half that is taken on trust: a signature for another public key than the one shown would help nobody.
  if (createPublicKey(key).export({ format: 'jwk' }).x !== x) throw malformed();
  return { scheme: 'ed25519', key };
}

/** What verifies Ed25519 signatures; null when it is no `whpk_…`. Throws as `parseSecret` does. */
export function parsePublicKey(text: string): KeyObject | null {
  if (!text.startsWith(publicPrefix)) return null;
  const bytes = base64(text.slice(publicPrefix.length));
  if (bytes.length !== keyBytes) throw malformed();
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
    format: 'jwk',
  });
}

function base64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed();
  return bytes;
}

function malformed(): TypeError {
  return new TypeError(
    `not a webhook secret: ${symmetricPrefix} and ${minBytes} to ${maxBytes} bytes in base64, ${privatePrefix} and 64, or ${publicPrefix} and 32`,
  );
}
