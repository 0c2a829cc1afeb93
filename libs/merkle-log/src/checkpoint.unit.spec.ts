import { checkpointBody, parseCheckpoint } from './checkpoint';
import { openNote, signNote } from './signed-note';
import { newSigningSeed, signingKeyFromSeed } from './signing-key';
import { emptyRoot } from './tree-hash';
import { verifierKey } from './verifier-key';

const ORIGIN = 'countersign/0192f3a4-7b1c-7def-8000-000000000001';

describe('checkpointBody', () => {
  it('is origin, size and root on a line each', () => {
    expect(checkpointBody(ORIGIN, 0, emptyRoot())).toBe(
      `${ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n`,
    );
  });

  it('survives signing, opening and reading', () => {
    const { privateKey, publicKey } = signingKeyFromSeed(newSigningSeed());
    const checkpoint = { origin: ORIGIN, size: 2n ** 60n, root: Buffer.alloc(32, 9) };
    const note = signNote(checkpointBody(ORIGIN, checkpoint.size, checkpoint.root), ORIGIN, privateKey);
    expect(parseCheckpoint(openNote(note, verifierKey(ORIGIN, publicKey)).body)).toEqual(checkpoint);
  });

  it.each([
    ['an empty origin', '', 1],
    ['an origin of two lines', 'a\nb', 1],
    ['a negative size', ORIGIN, -1n],
    ['a fraction', ORIGIN, 0.5],
  ])('refuses %s', (_, origin, size) => {
    expect(() => checkpointBody(origin, size, emptyRoot())).toThrow();
  });
});

describe('parseCheckpoint', () => {
  const root = emptyRoot().toString('base64');

  it('ignores extension lines', () => {
    expect(parseCheckpoint(`${ORIGIN}\n5\n${root}\nextension\n`).size).toBe(5n);
  });

  it.each([
    ['a leading zero', `${ORIGIN}\n05\n${root}\n`],
    ['a sign', `${ORIGIN}\n+5\n${root}\n`],
    ['a short root', `${ORIGIN}\n5\nAAAA\n`],
    ['no root', `${ORIGIN}\n5\n`],
    ['no final newline', `${ORIGIN}\n5\n${root}`],
    ['no origin', `\n5\n${root}\n`],
    ['an empty extension line', `${ORIGIN}\n5\n${root}\n\n`],
  ])('refuses %s', (_, body) => {
    expect(() => parseCheckpoint(body)).toThrow(TypeError);
  });
});
