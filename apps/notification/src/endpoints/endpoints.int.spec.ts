import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';

let service: TestService;

beforeAll(async () => {
  service = await createNotification();
});
afterAll(() => service.stop());

const valid = { url: 'https://hooks.example.com/countersign', events: ['request.*'], format: 'standard' };
const create = (body: unknown = valid, headers = {}) =>
  service.call('POST', '/v1/webhook-endpoints', body, { headers });

describe('webhook endpoints', () => {
  it('are created with a secret that is shown this once and stored encrypted', async () => {
    const { status, body, headers } = await create({
      ...valid,
      description: 'ERP',
      workflows: ['purchase-order'],
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/webhook-endpoints/${body.id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(body).toEqual({
      ...valid,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      description: 'ERP',
      workflows: ['purchase-order'],
      signing: 'hmac',
      ordering: 'none',
      state: 'enabled',
      disabledReason: null,
      version: 1,
      createdAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    const { secret, ...shown } = body;
    expect((await service.call('GET', `/v1/webhook-endpoints/${body.id}`)).body).toEqual(shown);
    const [row] = await service.sql<{ secret: Buffer }>('SELECT secret FROM endpoint WHERE id = $1', [
      body.id,
    ]);
    expect(row?.secret.includes(Buffer.from(secret, 'utf8'))).toBe(false);
    expect(row?.secret.includes(Buffer.from(secret.slice(6), 'base64'))).toBe(false);
  });

  it('are created once for one Idempotency-Key, with the same secret in the second answer', async () => {
    const key = { 'idempotency-key': v7() };
    const [first, second] = [await create(valid, key), await create(valid, key)];
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.text).toBe(first.text);
    const answers = await service.sql<{ answer: Buffer }>('SELECT answer FROM idempotency');
    expect(answers.some(({ answer }) => answer.includes(Buffer.from(first.body.secret, 'utf8')))).toBe(false);
  });

  it('are refused with every violation at once', async () => {
    const { status, body } = await create({
      url: 'ftp://x',
      events: ['request.made'],
      format: 'xml',
      signing: 'ed25519',
      ordering: 'per-request',
      color: 1,
    });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    const messages = Object.fromEntries(
      body.errors.map((error: { pointer: string; message: string }) => [error.pointer, error.message]),
    );
    expect(Object.keys(messages).sort()).toEqual([
      '/color',
      '/events',
      '/format',
      '/ordering',
      '/signing',
      '/url',
    ]);
    expect(messages['/signing']).toContain('not supported yet');
  });

  it.each([
    ['http://10.0.0.1/', 'not public'],
    ['http://[::1]/', 'not public'],
    ['http://0x0a000001/', 'not public'],
    ['http://user:pw@hooks.example.com/', 'credentials'],
    ['hooks.example.com', 'absolute'],
    ['https://hooks.example.com/\u0007', 'control characters'],
  ])('are refused with the URL %j', async (url, why) => {
    const { status, body } = await create({ ...valid, url });
    expect([status, body.errors.length, body.errors[0].pointer]).toEqual([400, 1, '/url']);
    expect(body.errors[0].message).toContain(why);
  });

  it.each([[[]], [['request.*', 'request.*']], ['*'], [['request']], [[null]]])(
    'are refused with the events %j',
    async (events) => {
      const { status, body } = await create({ ...valid, events });
      expect(status).toBe(400);
      expect(body.errors.every(({ pointer }: { pointer: string }) => pointer === '/events')).toBe(true);
    },
  );

  it('are changed member by member, guarded by If-Match', async () => {
    const { body: made } = await create({ ...valid, description: 'ERP', workflows: ['a'] });
    const path = `/v1/webhook-endpoints/${made.id}`;
    const changed = await service.call(
      'PATCH',
      path,
      { events: ['task.assigned', '*'], description: null },
      { headers: { 'if-match': '"1"' } },
    );
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).toBe('"2"');
    expect(changed.body).toMatchObject({
      url: valid.url,
      events: ['task.assigned', '*'],
      description: null,
      workflows: ['a'],
      version: 2,
    });
    expect(changed.body.secret).toBeUndefined();
    const late = await service.call('PATCH', path, { events: ['*'] }, { headers: { 'if-match': '"1"' } });
    expect([late.status, late.body.code]).toEqual([412, 'version_mismatch']);
    const invalid = await service.call('PATCH', path, { url: null, state: 'disabled' });
    expect(invalid.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(
      expect.arrayContaining(['/url', '/state']),
    );
    const gone = await service.call('DELETE', path, undefined, { headers: { 'if-match': '"1"' } });
    expect(gone.status).toBe(412);
    expect((await service.call('DELETE', path, undefined, { headers: { 'if-match': '"2"' } })).status).toBe(
      204,
    );
    expect((await service.call('GET', path)).status).toBe(404);
    expect((await service.call('DELETE', path)).status).toBe(404);
  });

  it('are listed newest first, page by page, also while new ones come', async () => {
    const workspace = v7();
    const options = { workspace };
    const ids: string[] = [];
    for (let made = 0; made < 5; made++)
      ids.unshift((await service.call('POST', '/v1/webhook-endpoints', valid, options)).body.id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await service.call(
        'GET',
        `/v1/webhook-endpoints?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
        undefined,
        options,
      );
      expect(page.body.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.body.data.map(({ id }: { id: string }) => id));
      expect(page.text).not.toContain('secret');
      cursor = page.body.nextCursor;
      await service.call('POST', '/v1/webhook-endpoints', valid, options);
    } while (cursor);
    expect(seen).toEqual(ids);
  });

  it.each(['limit=0', 'limit=201', 'cursor=nonsense', 'color=red'])('refuse the query %s', async (query) => {
    const { status, body } = await service.call('GET', `/v1/webhook-endpoints?${query}`);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });

  it('need the scope that the table names', async () => {
    const read = { scopes: ['webhooks:read' as const] };
    const refused = await service.call('POST', '/v1/webhook-endpoints', valid, read);
    expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
    expect(refused.body.detail).toContain('webhooks:write');
    expect((await service.call('GET', '/v1/webhook-endpoints', undefined, read)).status).toBe(200);
    expect(
      (await service.call('GET', '/v1/event-types', undefined, { scopes: ['webhooks:write'] })).status,
    ).toBe(403);
  });

  it('are not changed by a person whom the directory does not know', async () => {
    const { body } = await create();
    await service.sql(
      `INSERT INTO person (workspace_id, id, user_name, version, active, person)
       VALUES ($1, $2, 'gone@example.com', 1, false, json_build_object('active', false))`,
      [service.workspaceId, v7()],
    );
    const refused = await service.call(
      'PATCH',
      `/v1/webhook-endpoints/${body.id}`,
      { events: ['*'] },
      { actor: 'gone@example.com' },
    );
    expect([refused.status, refused.body.code]).toEqual([403, 'unknown_actor']);
  });

  it('answer 404 for an id that is malformed or unknown, before anything about the body', async () => {
    for (const id of ['nonsense', v7()]) {
      const { status, body } = await service.call('PATCH', `/v1/webhook-endpoints/${id}`, '{');
      expect([status, body.code]).toEqual([404, 'not_found']);
    }
  });

  it('take no members where there are none to give', async () => {
    const { body: made } = await create();
    const { status, body } = await service.call('POST', `/v1/webhook-endpoints/${made.id}/rotate-secret`, {
      now: true,
    });
    expect([status, body.errors[0].pointer]).toEqual([400, '/now']);
    const replay = await service.call('POST', `/v1/webhook-endpoints/${made.id}/replay`, {
      since: '2026-11-21',
      until: null,
      state: 'lost',
    });
    expect(replay.status).toBe(400);
    expect(new Set(replay.body.errors.map(({ pointer }: { pointer: string }) => pointer))).toEqual(
      new Set(['/since', '/until', '/state']),
    );
  });
});

describe('row-level security', () => {
  it('holds for every table with a workspace_id, for the owner too', async () => {
    const open = await service.sql<{ table: string }>(
      `SELECT c.relname AS table FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
        WHERE c.relnamespace = 'notification'::regnamespace AND c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
    );
    expect(open).toEqual([]);
    const tables = await service.sql<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relnamespace = 'notification'::regnamespace AND relkind = 'r' AND relrowsecurity ORDER BY 1`,
    );
    expect(tables.map(({ relname }) => relname)).toEqual(
      expect.arrayContaining([
        'delivery',
        'delivery_attempt',
        'endpoint',
        'event',
        'mail',
        'request_payload',
      ]),
    );
  });
});
