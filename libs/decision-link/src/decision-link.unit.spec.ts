import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { DecisionLinkTokens, type DecisionLink } from './decision-link';

const key = Buffer.alloc(32, 1);
const tokens = new DecisionLinkTokens(key);
const link: DecisionLink = {
  id: '0192f3a4-7b1c-7d10-8000-000000000001',
  workspaceId: '1840b34e-6fe7-4a56-9ad3-0b7b58c49dc7',
  taskId: '0192f3a4-7b1c-7d10-8000-000000000002',
  personId: '0192f3a4-7b1c-7d10-8000-000000000003',
  version: 3,
  expiresAt: new Date('2026-11-28T09:00:00Z'),
};

const seconds = fc.integer({ min: 0, max: 0xffff_ffff }).map((value) => new Date(value * 1_000));
const anyLink: fc.Arbitrary<DecisionLink> = fc.record({
  id: fc.uuid(),
  workspaceId: fc.uuid(),
  taskId: fc.uuid(),
  personId: fc.uuid(),
  version: fc.integer({ min: 0, max: 0xffff_ffff }),
  expiresAt: seconds,
});

describe('the token of a decision link', () => {
  it('says which link it is, and fits a URL', () => {
    fc.assert(
      fc.property(anyLink, (one) => {
        const token = tokens.tokenOf(one);
        expect(token).toMatch(/^[\w-]{140}$/);
        expect(tokens.read(token)).toEqual(one);
      }),
    );
  });

  it('is the same for the same link, so that it need not be kept', () => {
    expect(tokens.tokenOf(link)).toBe(tokens.tokenOf({ ...link }));
  });

  it('is nobody’s once a single bit is another', () => {
    const token = Buffer.from(tokens.tokenOf(link), 'base64url');
    for (let bit = 0; bit < token.length * 8; bit++) {
      const changed = Buffer.from(token);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(tokens.read(changed.toString('base64url'))).toBeNull();
    }
  });

  it('has one spelling', () => {
    const token = tokens.tokenOf(link);
    for (const other of [
      `${token}=`,
      `${token}A`,
      ` ${token}`,
      `${token}\n`,
      token.slice(1),
      '',
      'a'.repeat(140),
    ])
      expect(tokens.read(other)).toBeNull();
  });

  it('of another deployment is nobody’s', () => {
    expect(new DecisionLinkTokens(Buffer.alloc(32, 2)).read(tokens.tokenOf(link))).toBeNull();
  });

  it('of a later format is not read as one of this', () => {
    const content = Buffer.from(tokens.tokenOf(link), 'base64url').subarray(0, -32);
    content[0] = 2;
    const mac = createHmac('sha256', key).update(content).digest();
    expect(tokens.read(Buffer.concat([content, mac]).toString('base64url'))).toBeNull();
  });

  it.each([0, 16, 31, 33])('is not made with a key of %d bytes', (length) => {
    expect(() => new DecisionLinkTokens(new Uint8Array(length))).toThrow(RangeError);
  });
});
