import { v7 } from 'uuid';
import { TestService, type CallOptions } from '../../test/test-service';

describe('resolver secrets', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start();
  });
  afterAll(() => service.stop());
  const rotate = (options: CallOptions = {}) =>
    service.call<{ secret: string }>('POST', '/v1/resolver-secret/rotate', undefined, options);

  it('are shown once and kept sealed', async () => {
    const answer = await rotate();
    expect(answer.status).toBe(200);
    expect(answer.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const kept = await service.rows<{ sealed: Buffer }>('SELECT sealed FROM resolver_secret');
    expect(kept).toHaveLength(1);
    expect(kept[0]?.sealed.includes(Buffer.from(answer.body.secret))).toBe(false);
    expect(kept[0]?.sealed.includes(Buffer.from(answer.body.secret.slice(6), 'base64'))).toBe(false);
    expect((await rotate()).body.secret).not.toBe(answer.body.secret);
  });

  it('are replayed to a repeated Idempotency-Key, from a sealed answer', async () => {
    const options = { keyId: v7(), headers: { 'idempotency-key': 'again' } };
    const first = await rotate(options);
    const second = await rotate(options);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const [row] = await service.rows<{ answer: Buffer }>('SELECT answer FROM idempotency');
    expect(row?.answer.includes('whsec_')).toBe(false);
  });

  it('need webhooks:write and a known actor, and take no members', async () => {
    expect((await rotate({ scopes: ['webhooks:read'] })).status).toBe(403);
    expect((await rotate({ scopes: ['webhooks:write', 'act-as'], actor: 'nobody' })).status).toBe(403);
    const answer = await service.call('POST', '/v1/resolver-secret/rotate', { secret: 'mine' });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/secret' }] });
  });

  it('are not for a key limited to workflows: they sign the calls of all', async () => {
    const kept = () => service.rows('SELECT id FROM resolver_secret ORDER BY id');
    const before = await kept();
    const answer = await rotate({ workflows: ['orders'] });
    expect([answer.status, answer.body]).toMatchObject([403, { code: 'workflow_not_allowed' }]);
    expect(await kept()).toEqual(before);
  });

  it('leave one current and the others for a day, however many rotate at once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => rotate()));
    const rows = await service.rows<{ current: string; hours: number }>(
      `SELECT count(*) FILTER (WHERE retires_at IS NULL) AS current,
              round(min(extract(epoch FROM retires_at - now())) / 3600)::int AS hours FROM resolver_secret`,
    );
    expect(rows).toEqual([{ current: '1', hours: 24 }]);
  });
});
