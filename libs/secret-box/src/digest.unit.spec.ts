import fc from 'fast-check';
import { equalConstantTime, sha256 } from './digest';

describe('sha256', () => {
  it('hashes text as UTF-8 (FIPS 180-4 example)', () => {
    expect(sha256('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(sha256('é')).toEqual(sha256(Buffer.from([0xc3, 0xa9])));
  });
});

describe('equalConstantTime', () => {
  it('agrees with plain equality, for lengths that differ too', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(equalConstantTime(a, b)).toBe(a === b);
        expect(equalConstantTime(a, Buffer.from(a))).toBe(true);
        expect(equalConstantTime(a, `${a}x`)).toBe(false);
      }),
    );
  });
});
