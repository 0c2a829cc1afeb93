import { Webhook } from 'standardwebhooks';
import { newPrivateKey, newSecret, publicKeyOf } from './secret';
import { signHeaders } from './sign-headers';
import { verify } from './verify';

const secret = newSecret();
const id = 'evt_1';
const body = '{"type":"task.decided"}';
const sentAt = new Date('2026-11-21T09:00:00.000Z');
const headers = signHeaders({ id, timestamp: sentAt, body, secrets: [secret] });
const later = (seconds: number) => new Date(sentAt.getTime() + seconds * 1000);

describe('verify', () => {
  it('accepts what an independent sender signed', () => {
    const now = new Date();
    const signature = new Webhook(secret).sign(id, now, body);
    const given = {
      'Webhook-Id': id,
      'Webhook-Timestamp': String(Math.floor(now.getTime() / 1000)),
      'Webhook-Signature': signature,
    };
    expect(verify({ headers: given, body: Buffer.from(body), secrets: [newSecret(), secret] })).toMatchObject(
      { valid: true, id },
    );
  });

  it('skips signatures of schemes that it does not know', () => {
    const mixed = { ...headers, 'webhook-signature': `v1a,AAAA ${headers['webhook-signature']}` };
    expect(verify({ headers: mixed, body, secrets: [secret], now: sentAt })).toEqual({
      valid: true,
      id,
      timestamp: sentAt,
    });
    const foreign = { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v1a,') };
    expect(verify({ headers: foreign, body, secrets: [secret], now: sentAt })).toEqual({
      valid: false,
      reason: 'no_matching_signature',
    });
  });

  it('accepts an Ed25519 signature by the public key of its signer only, beside others', () => {
    const [key, old, stranger] = [newPrivateKey(), newPrivateKey(), newPrivateKey()];
    const signed = signHeaders({ id, timestamp: sentAt, body, secrets: [key, old] });
    expect(signed['webhook-signature']).toMatch(/^v1a,\S+ v1a,\S+$/);
    const by = (publicKey: string, given = body) =>
      verify({ headers: signed, body: given, secrets: [publicKey], now: sentAt }).valid;
    expect([by(publicKeyOf(key)), by(publicKeyOf(old)), by(publicKeyOf(stranger))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(by(publicKeyOf(key), `${body} `)).toBe(false);
    const garbled = { ...signed, 'webhook-signature': 'v1a,AAAA v1a,' };
    expect(verify({ headers: garbled, body, secrets: [publicKeyOf(key)], now: sentAt }).valid).toBe(false);
    expect(() => verify({ headers: signed, body, secrets: ['whpk_AAAA'], now: sentAt })).toThrow(TypeError);
  });

  it.each([
    ['another body', { body: `${body} ` }],
    ['another id', { headers: { ...headers, 'webhook-id': 'evt_2' } }],
    [
      'another timestamp',
      { headers: { ...headers, 'webhook-timestamp': String(sentAt.getTime() / 1000 + 1) } },
    ],
    ['another secret', { secrets: [newSecret()] }],
    ['no secret', { secrets: [] }],
  ])('refuses %s', (_, changed) => {
    const result = verify({ headers, body, secrets: [secret], now: sentAt, ...changed });
    expect(result).toEqual({ valid: false, reason: 'no_matching_signature' });
  });

  it('accepts five minutes of clock difference either way and no more', () => {
    const at = (seconds: number) => verify({ headers, body, secrets: [secret], now: later(seconds) });
    expect(at(300)).toMatchObject({ valid: true });
    expect(at(-300)).toMatchObject({ valid: true });
    expect(at(301)).toEqual({ valid: false, reason: 'too_old' });
    expect(at(-301)).toEqual({ valid: false, reason: 'too_new' });
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('refuses without %s', (name) => {
    const result = verify({
      headers: { ...headers, [name]: undefined },
      body,
      secrets: [secret],
      now: sentAt,
    });
    expect(result).toEqual({ valid: false, reason: 'missing_header' });
  });

  it('refuses a timestamp that is not a number', () => {
    const result = verify({
      headers: { ...headers, 'webhook-timestamp': '1e9' },
      body,
      secrets: [secret],
      now: sentAt,
    });
    expect(result).toEqual({ valid: false, reason: 'malformed_timestamp' });
  });
});
