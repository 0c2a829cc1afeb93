import { randomBytes } from 'node:crypto';
import { IdentitySigner, IdentityVerifier, type Identity } from './identity';

const secretKey = randomBytes(32).toString('base64');
const identity: Identity = {
  workspace: { id: 'w', name: 'default', kind: 'live' },
  key: { id: 'k', name: 'key', scopes: ['admin'], workflows: null },
  actor: null,
};

describe('a signed identity', () => {
  it('is verified by a service with the same secret key', async () => {
    const token = await new IdentitySigner(secretKey).sign(identity);
    expect(await new IdentityVerifier(secretKey).verify(token)).toEqual(identity);
  });

  it('is refused when signed with another key, altered, unsigned or absent', async () => {
    const verifier = new IdentityVerifier(secretKey);
    const foreign = await new IdentitySigner(randomBytes(32).toString('base64')).sign(identity);
    const [header, , signature] = (await new IdentitySigner(secretKey).sign(identity)).split('.');
    const forged = Buffer.from(
      JSON.stringify({ identity, exp: 9_999_999_999, iss: 'countersign-gateway' }),
    ).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const token of [
      foreign,
      `${header}.${forged}.${signature}`,
      `${none}.${forged}.`,
      'garbage',
      '',
      undefined,
    ]) {
      expect(await verifier.verify(token)).toBeNull();
    }
  });

  it('is told apart from a forged one once it has expired, also when it was accepted before', async () => {
    jest.useFakeTimers({ now: Date.now(), doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const token = await new IdentitySigner(secretKey).sign(identity);
      const verifier = new IdentityVerifier(secretKey);
      expect(await verifier.verify(token)).toEqual(identity);
      jest.setSystemTime(Date.now() + 8_000);
      expect(await verifier.verify(token)).toBe('expired');
      expect(await new IdentityVerifier(secretKey).verify(token)).toBe('expired');
    } finally {
      jest.useRealTimers();
    }
  });
});
