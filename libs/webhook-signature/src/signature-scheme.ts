import { createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import { parsePublicKey, parseSecret } from './secret';

/** Signs content with one secret and names its scheme: `v1,<base64>`, or `v1a,<base64>` for an Ed25519 key (`whsk_…`). */
export function signature(secret: string, content: Buffer): string {
  const parsed = parseSecret(secret);
  switch (parsed.scheme) {
    case 'hmac':
      return `v1,${createHmac('sha256', parsed.key).update(content).digest('base64')}`;
    case 'ed25519':
      return `v1a,${sign(null, content, parsed.key).toString('base64')}`;
  }
}

/** Whether one of these signatures was made by the secret, or by the owner of the public key. */
export function isSigned(secret: string, content: Buffer, given: readonly string[]): boolean {
  const publicKey = parsePublicKey(secret);
  if (publicKey) {
    return given.some(
      (one) =>
        one.startsWith('v1a,') && verify(null, content, publicKey, Buffer.from(one.slice(4), 'base64')),
    );
  }
  const expected = Buffer.from(signature(secret, content));
  return given.some((one) => {
    const bytes = Buffer.from(one);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  });
}
