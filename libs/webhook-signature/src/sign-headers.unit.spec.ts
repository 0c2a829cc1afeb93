import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { newPrivateKey, newSecret, publicKeyOf } from './secret';
import { signHeaders } from './sign-headers';

const id = '0192f3a4-7b1c-7def-8000-000000000001';
const now = () => new Date();

describe('signHeaders', () => {
  it('gives the signature of the Standard Webhooks example', () => {
    const headers = signHeaders({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('gives the Ed25519 signature of the Standard Webhooks example', () => {
    const secret =
      'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
    const headers = signHeaders({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1614265330,
      body: '{"test": 2432232314}',
      secrets: [secret],
    });
    expect(headers['webhook-signature']).toBe(
      'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    );
    expect(publicKeyOf(secret)).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');
  });

  it('is accepted by an independent receiver, for any JSON body', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.integer({ min: 24, max: 64 }),
        fc.boolean(),
        (value, bytes, asBuffer) => {
          const secret = newSecret(bytes);
          const text = JSON.stringify(value);
          const headers = signHeaders({
            id,
            timestamp: now(),
            body: asBuffer ? Buffer.from(text) : text,
            secrets: [secret],
          });
          expect(new Webhook(secret).verify(text, { ...headers })).toEqual(JSON.parse(text));
          expect(new SvixWebhook(secret).verify(text, { ...headers })).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('is accepted with the new and with the old secret during a rotation, and with no other', () => {
    const [fresh, old, stranger] = [newSecret(), newSecret(), newSecret()];
    const headers = signHeaders({ id, timestamp: now(), body: '{}', secrets: [fresh, old] });
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
    expect(new Webhook(fresh).verify('{}', { ...headers })).toEqual({});
    expect(new Webhook(old).verify('{}', { ...headers })).toEqual({});
    expect(() => new Webhook(stranger).verify('{}', { ...headers })).toThrow('No matching signature found');
  });

  it('signs the second in which a date lies', () => {
    const headers = signHeaders({
      id,
      timestamp: new Date('2026-11-21T09:00:00.999Z'),
      body: '',
      secrets: [newSecret()],
    });
    expect(headers['webhook-timestamp']).toBe('1795251600');
  });

  it.each([
    ['milliseconds', Date.now()],
    ['a fraction', 1614265330.5],
    ['a negative number', -1],
    ['an invalid date', new Date(Number.NaN)],
  ])('refuses %s as a timestamp', (_, timestamp) => {
    expect(() => signHeaders({ id, timestamp, body: '', secrets: [newSecret()] })).toThrow(RangeError);
  });

  it.each(['', 'a.b', 'a b', 'a\r\nx: y', 'é'])('refuses the id %j', (bad) => {
    expect(() => signHeaders({ id: bad, timestamp: 1, body: '', secrets: [newSecret()] })).toThrow(TypeError);
  });

  it('refuses to send unsigned', () => {
    expect(() => signHeaders({ id, timestamp: 1, body: '', secrets: [] })).toThrow('at least one secret');
  });

  it.each([
    'whsec_',
    'whsec_c2hvcnQ=',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!',
    'whsk_x',
    // Another public key than that of its seed.
    'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlaaaaaaaaaaAJ6p9lMicMFs6Kvg==',
    // A public key signs nothing.
    'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  ])('refuses the malformed secret %s without repeating it', (secret) => {
    const sign = () => signHeaders({ id, timestamp: 1, body: '', secrets: [secret] });
    expect(sign).toThrow(TypeError);
    expect(sign).toThrow(
      /^not a webhook secret: whsec_ and 24 to 64 bytes in base64, whsk_ and 64, or whpk_ and 32$/,
    );
  });
});

describe('newPrivateKey', () => {
  it('has a seed and its public key, another one each time', () => {
    const key = newPrivateKey();
    expect(key).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/);
    expect(publicKeyOf(key)).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    expect(newPrivateKey()).not.toBe(key);
    expect(() => publicKeyOf(newSecret())).toThrow(TypeError);
  });
});

describe('newSecret', () => {
  it('has 32 random bytes', () => {
    const secret = newSecret();
    expect(secret).toMatch(/^whsec_/);
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
    expect(newSecret()).not.toBe(secret);
  });

  it.each([23, 65, 24.5])('refuses %d bytes', (bytes) => {
    expect(() => newSecret(bytes)).toThrow(RangeError);
  });
});
