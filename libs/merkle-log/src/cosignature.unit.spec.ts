import { createPublicKey, verify } from 'node:crypto';
import { checkpointBody } from './checkpoint';
import { cosign, openCosignature } from './cosignature';
import { NoteError, openNote, readNote, signNote } from './signed-note';
import { newSigningSeed, publicKeyBytes, signingKeyFromSeed } from './signing-key';
import { COSIGNATURE_V1, keyId, parseVerifierKey, verifierKey } from './verifier-key';

const ORIGIN = 'example.com/behind-the-sofa';
const WITNESS = 'witness.example.com/w1';
// Size and root of the example in c2sp.org/tlog-cosignature; it does not publish the keys.
const body = checkpointBody(
  ORIGIN,
  20_852_163,
  Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64'),
);
// RFC 8032 section 7.1, tests 1 and 2.
const log = signingKeyFromSeed(
  Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'),
);
const witness = signingKeyFromSeed(
  Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'),
);
const witnessKey = parseVerifierKey(verifierKey(WITNESS, witness.publicKey, COSIGNATURE_V1));
const signatureIn = (note: string) => readNote(note).signatures.at(-1)!;

describe('cosign', () => {
  const line = cosign(body, WITNESS, witness.privateKey, 1_679_315_147);

  it('signs the message of the specification, after key id and time', () => {
    const [dash, name, encoded = ''] = line.trimEnd().split(' ');
    expect([dash, name]).toEqual(['—', WITNESS]);
    const bytes = Buffer.from(encoded, 'base64');
    expect(bytes).toHaveLength(4 + 8 + 64);
    expect(bytes.subarray(4, 12).toString('hex')).toBe('00000000641850cb');
    const message = `cosignature/v1\ntime 1679315147\n${ORIGIN}\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`;
    const x = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
    expect(publicKeyBytes(witness.publicKey).toString('hex')).toBe(x);
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(x, 'hex').toString('base64url') },
      format: 'jwk',
    });
    expect(verify(null, Buffer.from(message), key, bytes.subarray(12))).toBe(true);
  });

  it('has the time of the published example where the example has it', () => {
    const published =
      'jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==';
    expect(Buffer.from(published, 'base64').subarray(4, 12).toString('hex')).toBe('00000000641850cb');
    expect(Buffer.from(published, 'base64')).toHaveLength(76);
  });

  it('refuses a time that the format cannot say', () => {
    expect(() => cosign(body, WITNESS, witness.privateKey, -1)).toThrow(RangeError);
    expect(() => cosign(body, WITNESS, witness.privateKey, 2n ** 63n)).toThrow(RangeError);
  });
});

describe('openCosignature', () => {
  const note =
    signNote(body, ORIGIN, log.privateKey) + cosign(body, WITNESS, witness.privateKey, 1_679_315_147);

  it('stands below the log’s own signature and tells who and when', () => {
    expect(openNote(note, verifierKey(ORIGIN, log.publicKey)).otherSignatures).toEqual([
      { name: WITNESS, keyId: witnessKey.keyId.toString('hex') },
    ]);
    expect(openCosignature(body, signatureIn(note), witnessKey)).toEqual({
      name: WITNESS,
      timestamp: 1_679_315_147n,
    });
  });

  it('passes over the signatures of others', () => {
    const other = parseVerifierKey(verifierKey('witness.example.com/w2', witness.publicKey, COSIGNATURE_V1));
    expect(openCosignature(body, signatureIn(note), other)).toBeNull();
    expect(openCosignature(body, readNote(note).signatures[0]!, witnessKey)).toBeNull();
  });

  it('refuses any bit that was changed, and any other checkpoint', () => {
    const signature = signatureIn(note);
    for (let at = 0; at < signature.signature.length; at++) {
      const changed = Buffer.from(signature.signature);
      changed[at]! ^= 1;
      expect(() => openCosignature(body, { ...signature, signature: changed }, witnessKey)).toThrow(
        NoteError,
      );
    }
    const shorter = { ...signature, signature: signature.signature.subarray(0, 71) };
    expect(() => openCosignature(body, shorter, witnessKey)).toThrow(NoteError);
    const another = body.replace('20852163', '20852164');
    expect(() => openCosignature(another, signature, witnessKey)).toThrow(NoteError);
    expect(() => openCosignature(`${body}extension\n`, signature, witnessKey)).toThrow(NoteError);
  });

  it('does not take the key of a log for that of a witness, nor the other way round', () => {
    const asLog = parseVerifierKey(verifierKey(WITNESS, witness.publicKey));
    expect(() => openCosignature(body, signatureIn(note), asLog)).toThrow(TypeError);
    expect(() => openNote(note, verifierKey(ORIGIN, log.publicKey, COSIGNATURE_V1))).toThrow(TypeError);
    expect(keyId(WITNESS, witness.publicKey)).not.toEqual(witnessKey.keyId);
  });
});

describe('a note with several signatures', () => {
  it('is read line by line, unverified', () => {
    const seeds = Array.from({ length: 3 }, () => signingKeyFromSeed(newSigningSeed()));
    const lines = seeds.map((key, n) => cosign(body, `w${n}`, key.privateKey, n));
    const { body: text, signatures } = readNote(signNote(body, ORIGIN, log.privateKey) + lines.join(''));
    expect(text).toBe(body);
    expect(signatures.map(({ name }) => name)).toEqual([ORIGIN, 'w0', 'w1', 'w2']);
    expect(signatures.slice(1).map(({ line }) => line)).toEqual(lines);
  });
});
