import fc from 'fast-check';
import { NoteError, openNote, signNote } from './signed-note';
import { newSigningSeed, publicKeyBytes, signingKeyFromSeed } from './signing-key';
import { keyId, parseVerifierKey, verifierKey } from './verifier-key';

// The example of golang.org/x/mod/sumdb/note.
const NAME = 'PeterNeumann';
const SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const ENOCH_VERIFIER = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const ENOCH =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';

const key = signingKeyFromSeed(SEED);
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error instanceof NoteError ? error.code : error;
  }
  return 'no error';
};

describe('verifierKey', () => {
  it('gives the text and the id of the reference implementation', () => {
    expect(verifierKey(NAME, key.publicKey)).toBe(VERIFIER);
    expect(keyId(NAME, key.privateKey).toString('hex')).toBe('c74f20a3');
  });

  it('is read back to the same key', () => {
    const parsed = parseVerifierKey(VERIFIER);
    expect(parsed.name).toBe(NAME);
    expect(publicKeyBytes(parsed.publicKey)).toEqual(publicKeyBytes(key.privateKey));
  });

  it('is refused with any part missing or any character changed', () => {
    for (let from = 0; from < VERIFIER.length; from++) {
      for (let to = from + 1; to <= VERIFIER.length; to++) {
        if (from === 0 && to === VERIFIER.length) continue;
        expect(() => parseVerifierKey(VERIFIER.slice(from, to))).toThrow(TypeError);
      }
      const changed =
        VERIFIER.slice(0, from) +
        String.fromCharCode(VERIFIER.charCodeAt(from) + 1) +
        VERIFIER.slice(from + 1);
      expect(() => parseVerifierKey(changed)).toThrow(TypeError);
    }
  });

  it.each([
    'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  ])('is refused with another length or algorithm: %s', (text) => {
    expect(() => parseVerifierKey(text)).toThrow(TypeError);
  });
});

describe('signNote', () => {
  it('gives the note of the reference implementation', () => {
    expect(signNote(TEXT, NAME, key.privateKey)).toBe(`${TEXT}\n${PETER}`);
  });

  it.each([
    ['text without a final newline', 'abc', NAME],
    ['control characters', 'a\rb\n', NAME],
    ['a lone surrogate', 'a\ud800\n', NAME],
    ['a key name with a space', 'a\n', 'bad name'],
    ['a key name with a plus', 'a\n', 'a+b'],
    ['an empty key name', 'a\n', ''],
  ])('refuses %s', (_, body, name) => {
    expect(codeOf(() => signNote(body, name, key.privateKey))).toBe('malformed');
  });
});

describe('openNote', () => {
  it('opens what was signed, and nothing else', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
        const body = `${lines.join('\n')}\n`;
        const fresh = signingKeyFromSeed(newSigningSeed());
        const note = signNote(body, 'example.com/log', fresh.privateKey);
        const verifier = verifierKey('example.com/log', fresh.publicKey);
        expect(openNote(note, verifier)).toEqual({ body, otherSignatures: [] });
        expect(codeOf(() => openNote(`x${note}`, verifier))).toBe('invalid_signature');
      }),
    );
  });

  it('verifies with the key asked for and names the other signers', () => {
    const note = `${TEXT}\n${PETER}${ENOCH}`;
    expect(openNote(note, VERIFIER)).toEqual({
      body: TEXT,
      otherSignatures: [{ name: 'EnochRoot', keyId: 'af0cfe78' }],
    });
    expect(openNote(note, ENOCH_VERIFIER)).toEqual({
      body: TEXT,
      otherSignatures: [{ name: NAME, keyId: 'c74f20a3' }],
    });
  });

  it('refuses a note that only others signed', () => {
    expect(codeOf(() => openNote(`${TEXT}\n${ENOCH}`, VERIFIER))).toBe('unverified');
  });

  it('refuses a wrong signature by the key even beside a right one', () => {
    const forged = `${PETER.slice(0, 60)}ABCD${PETER.slice(60)}`;
    expect(codeOf(() => openNote(`${TEXT}\n${PETER}${forged}`, VERIFIER))).toBe('invalid_signature');
  });

  it.each([
    ['no signatures', TEXT],
    ['an empty signature block', `${TEXT}\n`],
    ['no final newline', `${TEXT}\n${PETER.slice(0, -1)}`],
    ['a control character', `\u0001${TEXT}\n${PETER}`],
    ['a bad name', `${TEXT}\n${PETER.replace('PeterNeumann', 'Bad Name')}`],
    ['a line that is no signature', `${TEXT}\n${PETER}Unexpected line.\n`],
    ['too many signatures', `${TEXT}\n${PETER.repeat(101)}`],
  ])('refuses a note with %s', (_, note) => {
    expect(codeOf(() => openNote(note, VERIFIER))).toBe('malformed');
  });
});

describe('signingKeyFromSeed', () => {
  it('gives the key pair of RFC 8032 section 7.1, test 1', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const expected = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
    expect(publicKeyBytes(signingKeyFromSeed(seed).publicKey).toString('hex')).toBe(expected);
  });

  it('refuses a seed of another length', () => {
    expect(() => signingKeyFromSeed(Buffer.alloc(31))).toThrow(RangeError);
  });
});
