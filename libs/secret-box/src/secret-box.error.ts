/**
 * - `invalid_key`: the key is not 32 bytes of base64
 * - `malformed`: not something that `seal` made, or of a later version
 * - `unknown_key`: sealed under another key
 * - `not_authentic`: altered, or sealed for another row (different AAD)
 */
export type SecretBoxErrorCode = 'invalid_key' | 'malformed' | 'unknown_key' | 'not_authentic';

/** What `SecretBox` throws. Its message never contains key, plaintext or ciphertext. */
export class SecretBoxError extends Error {
  override readonly name = 'SecretBoxError';

  constructor(
    readonly code: SecretBoxErrorCode,
    message: string,
  ) {
    super(message);
  }
}
