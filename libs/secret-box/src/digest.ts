import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-256 (32 bytes) of the text as UTF-8, or of the bytes. */
export function sha256(text: string | Uint8Array): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares without telling by its duration where, or how much, the two differ. Strings compare as UTF-8. */
export function equalConstantTime(a: string | Uint8Array, b: string | Uint8Array): boolean {
  // timingSafeEqual wants equal lengths: the digests always have them, and lengths stay hidden too.
  return timingSafeEqual(sha256(a), sha256(b));
}
