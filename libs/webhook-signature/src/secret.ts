import { randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/**
 * A fresh symmetric secret, `whsec_` and base64 (Standard Webhooks, "Symmetric").
 * @param bytes 24 to 64
 */
export function newSecret(bytes = 32): string {
  if (!Number.isInteger(bytes) || bytes < MIN_BYTES || bytes > MAX_BYTES) {
    throw new RangeError(`a webhook secret has ${MIN_BYTES} to ${MAX_BYTES} bytes`);
  }
  return PREFIX + randomBytes(bytes).toString('base64');
}

/** The key bytes of a `whsec_…` secret; throws a `TypeError` that does not repeat the secret. */
export function secretBytes(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : '';
  const key = Buffer.from(text, 'base64');
  if (key.length < MIN_BYTES || key.length > MAX_BYTES || key.toString('base64') !== text) {
    throw new TypeError(`not a webhook secret: ${PREFIX} and ${MIN_BYTES} to ${MAX_BYTES} bytes in base64`);
  }
  return key;
}
