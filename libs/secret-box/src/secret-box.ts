import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { SecretBoxError } from './secret-box.error';

const VERSION = 1;
const KEY_BYTES = 32;
const HEADER_BYTES = 2;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts secrets at rest with AES-256-GCM.
 *
 * Sealed bytes: version (1) ‖ key id (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16). Version and key id are
 * authenticated together with the AAD. The key id follows from the key, so that a later ring of keys
 * finds the right one in rows that were sealed before there was a ring.
 *
 * Nonces are random: one key must not seal more than 2^32 values (NIST SP 800-38D section 8.3).
 */
export class SecretBox {
  private readonly header: Buffer;

  private constructor(
    private readonly masterKey: Buffer,
    private readonly sealingKey: Buffer,
    keyId: number,
  ) {
    this.header = Buffer.from([VERSION, keyId]);
  }

  /** @param key 32 bytes in base64 or base64url; throws `SecretBoxError` `invalid_key` otherwise */
  static fromKey(key: string): SecretBox {
    const text = key.trim();
    const bytes = Buffer.from(text, 'base64');
    if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text) || bytes.length !== KEY_BYTES) {
      throw new SecretBoxError('invalid_key', 'the key must be 32 bytes in base64');
    }
    return new SecretBox(bytes, expand(bytes, 'seal', KEY_BYTES), expand(bytes, 'key-id', 1)[0]!);
  }

  /** @param aad binds the result to its place, for instance `endpoint:<id>`; `open` needs the same */
  seal(plaintext: string | Uint8Array, aad: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.sealingKey, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.associated(aad));
    const text = typeof plaintext === 'string' ? Buffer.from(plaintext, 'utf8') : plaintext;
    return Buffer.concat([this.header, nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  }

  /** The plaintext; throws `SecretBoxError` `malformed`, `unknown_key` or `not_authentic`. */
  open(sealed: Uint8Array, aad: string): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
      throw new SecretBoxError('malformed', 'not a sealed value of a known version');
    }
    if (bytes[1] !== this.header[1]) throw new SecretBoxError('unknown_key', 'sealed under another key');
    const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.sealingKey, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.associated(aad));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const plaintext = decipher.update(bytes.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([plaintext, decipher.final()]);
    } catch {
      throw new SecretBoxError('not_authentic', 'altered, or sealed for another place');
    }
  }

  /** A 32-byte key for one purpose (HKDF-SHA256, RFC 5869): the same for the same key and label, and independent of every other label. */
  derive(label: string): Buffer {
    return expand(this.masterKey, `derive/${label}`, KEY_BYTES);
  }

  private associated(aad: string): Buffer {
    return Buffer.concat([this.header, Buffer.from(aad, 'utf8')]);
  }
}

function expand(key: Buffer, purpose: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `countersign/${purpose}`, bytes));
}
