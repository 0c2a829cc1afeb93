import fc from 'fast-check';
import { hkdfSync } from 'node:crypto';
import { SecretBox } from './secret-box';
import { SecretBoxError } from './secret-box.error';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 0xaa).toString('base64');
const box = SecretBox.fromKey(KEY);

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error instanceof SecretBoxError ? error.code : error;
  }
  return 'no error';
};

describe('SecretBox', () => {
  it('opens what it sealed, for any bytes and any AAD', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }), (plaintext, aad) => {
        expect(box.open(box.seal(plaintext, aad), aad)).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  it('seals text as UTF-8, each time with another nonce', () => {
    const [one, two] = [box.seal('schlüssel', 'a'), box.seal('schlüssel', 'a')];
    expect(one.equals(two)).toBe(false);
    expect(box.open(one, 'a').toString('utf8')).toBe('schlüssel');
    expect(one.length).toBe(2 + 12 + 10 + 16);
  });

  it('refuses a value that was moved to another row', () => {
    expect(codeOf(() => box.open(box.seal('x', 'endpoint:1'), 'endpoint:2'))).toBe('not_authentic');
  });

  it('refuses a value with any one bit changed', () => {
    const sealed = box.seal('whsec_secret', 'endpoint:1');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: sealed.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(sealed);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const expected = bit < 8 ? 'malformed' : bit < 16 ? 'unknown_key' : 'not_authentic';
        expect(codeOf(() => box.open(changed, 'endpoint:1'))).toBe(expected);
      }),
    );
  });

  it('refuses every truncation and what it never sealed', () => {
    const sealed = box.seal('whsec_secret', 'a');
    for (let length = 0; length < sealed.length; length++) {
      expect(['malformed', 'not_authentic']).toContain(
        codeOf(() => box.open(sealed.subarray(0, length), 'a')),
      );
    }
    expect(codeOf(() => box.open(Buffer.alloc(64), 'a'))).toBe('malformed');
  });

  it('tells another key from a forgery', () => {
    expect(codeOf(() => SecretBox.fromKey(OTHER_KEY).open(box.seal('x', 'a'), 'a'))).toBe('unknown_key');
  });

  it('still opens a value of the first release', () => {
    const sealed = Buffer.from(SEALED_BY_FIRST_RELEASE, 'base64');
    expect(box.open(sealed, 'endpoint:1').toString()).toBe('whsec_secret');
  });

  it('accepts 32 bytes in base64 or base64url, with or without padding, and nothing else', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const sealed = SecretBox.fromKey(bytes.toString('base64')).seal('x', 'a');
    expect(
      SecretBox.fromKey(`${bytes.toString('base64url')}\n`)
        .open(sealed, 'a')
        .toString(),
    ).toBe('x');
    for (const key of [
      '',
      'short',
      Buffer.alloc(31).toString('base64'),
      Buffer.alloc(33).toString('base64'),
      '!'.repeat(44),
    ]) {
      expect(codeOf(() => SecretBox.fromKey(key))).toBe('invalid_key');
    }
  });

  it('derives by HKDF-SHA256 a key per label that stays the same', () => {
    const expected = Buffer.from(
      hkdfSync('sha256', Buffer.from(KEY, 'base64'), '', 'countersign/derive/identity', 32),
    );
    expect(box.derive('identity')).toEqual(expected);
    expect(box.derive('identity').toString('hex')).toBe(DERIVED_BY_FIRST_RELEASE);
    expect(box.derive('audit')).not.toEqual(expected);
    expect(SecretBox.fromKey(OTHER_KEY).derive('identity')).not.toEqual(expected);
  });
});

const SEALED_BY_FIRST_RELEASE = 'ATIAAQIDBAUGBwgJCgvuvDnf4sLMzwpoobVmcgkyz5j0apSIC+VIKARX';
const DERIVED_BY_FIRST_RELEASE = 'aebc4c05993252fab72c58d535c6a7328c3b3d001b28fb804ce2994bc76664b7';
