import type { TestService } from '@countersign/service-kit/test';
import { v7 } from 'uuid';
import { createNotification } from '../../test/create-notification';
import { endRotations } from '../../test/end-rotations';

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
      publicKey: null,
      formerPublicKeys: [],
      ordering: 'none',
      state: 'enabled',
      disabledReason: null,
      failingSince: null,
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
      signing: 'rsa',
      ordering: 'per-stage',
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
    expect(messages['/signing']).toContain('hmac, ed25519');
  });

  it('that are signed for by Ed25519 show their public key, and nobody the private one', async () => {
    const { status, body } = await create({ ...valid, signing: 'ed25519' });
    expect([status, body.signing, body.secret]).toEqual([201, 'ed25519', undefined]);
    expect(body.publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const path = `/v1/webhook-endpoints/${body.id}`;
    const { body: rotated } = await service.call('POST', `${path}/rotate-secret`);
    expect(rotated).toMatchObject({ formerPublicKeys: [body.publicKey] });
    expect(rotated).not.toHaveProperty('secret');
    expect(rotated.publicKey).not.toBe(body.publicKey);
    const { body: shown, text } = await service.get(path);
    expect(shown).toEqual(rotated);
    expect(text).not.toContain('whsk_');
    await endRotations(service, body.id as string);
    expect((await service.get(path)).body.formerPublicKeys).toEqual([]);
    // To a secret: shown with the answer, while the key goes on signing.
    const { body: back } = await service.call('PATCH', path, { signing: 'hmac' });
    expect(back).toMatchObject({ signing: 'hmac', publicKey: null, formerPublicKeys: [rotated.publicKey] });
    expect(back.secret).toMatch(/^whsec_/);
    const { body: same } = await service.call('PATCH', path, { signing: 'hmac', description: 'same' });
    expect(same.secret).toBeUndefined();
  });

  it('get no more than ten new secrets a day, so that the oldest of them keeps its time', async () => {
    const { body } = await create();
    const rotate = () => service.call('POST', `/v1/webhook-endpoints/${body.id}/rotate-secret`);
    for (let time = 0; time < 10; time++) expect((await rotate()).status).toBe(200);
    const refused = await rotate();
    expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(86_000);
    await endRotations(service, body.id as string);
    expect((await rotate()).status).toBe(200);
  });

  it.each([
    ['http:/hooks.example.com/', 'begins with'],
    ['https://127.0.0.1:5901\\@example.com/', 'backslashes'],
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

describe('a key that is limited to some workflows', () => {
  const limited = { workflows: ['a', 'b'] };
  const limitedCall = (method: string, path: string, body?: unknown) =>
    service.call(method, path, body, limited);
  const beyond = [undefined, null, ['c'], ['a', 'c']];

  it.each(beyond)('may not create an endpoint for the workflows %j', async (workflows) => {
    const workspace = v7();
    const { status, body } = await service.call(
      'POST',
      '/v1/webhook-endpoints',
      { ...valid, workflows },
      { ...limited, workspace },
    );
    expect([status, body.code]).toEqual([403, 'workflow_not_allowed']);
    expect(body.detail).toContain(workflows ? 'the workflow c' : 'all workflows');
    expect((await service.get('/v1/webhook-endpoints', { workspace })).body.data).toEqual([]);
  });

  it.each(beyond)('reaches nothing of an endpoint for the workflows %j', async (workflows) => {
    const { body: made } = await create({ ...valid, workflows });
    const path = `/v1/webhook-endpoints/${made.id}`;
    const { body: delivery } = await service.call('POST', `${path}/test`);
    const calls = [
      ['GET', path],
      // Neither what is wrong with the body nor the version comes before it.
      ['PATCH', path, '{'],
      ['PATCH', path, { workflows: ['a'], url: 'https://hooks.example.com/mine' }],
      ['DELETE', path],
      ['POST', `${path}/rotate-secret`],
      ['POST', `${path}/enable`],
      ['POST', `${path}/test`],
      ['POST', `${path}/replay`, { since: '2020-01-01T00:00:00Z' }],
      ['GET', `${path}/deliveries`],
      ['GET', `/v1/deliveries/${delivery.id}`],
      ['POST', `/v1/deliveries/${delivery.id}/replay`],
    ] as const;
    for (const [method, route, body] of calls) {
      const answer = await service.call(method, route, body, { ...limited, headers: { 'if-match': '"9"' } });
      expect([method, route, answer.status, answer.body.code]).toEqual([
        method,
        route,
        403,
        'workflow_not_allowed',
      ]);
    }
    expect((await service.get(path)).body.version).toBe(1);
    expect((await service.get(`${path}/deliveries`)).body.data).toHaveLength(1);
    await service.call('DELETE', path);
    const orphan = await limitedCall('GET', `/v1/deliveries/${delivery.id}`);
    expect([orphan.status, orphan.body.code]).toEqual([403, 'workflow_not_allowed']);
    expect((await service.get(`/v1/deliveries/${delivery.id}`)).status).toBe(200);
  });

  it('works with an endpoint that is for its workflows only, and cannot widen it', async () => {
    const { status, body: made } = await limitedCall('POST', '/v1/webhook-endpoints', {
      ...valid,
      workflows: ['a', 'b'],
    });
    expect(status).toBe(201);
    const path = `/v1/webhook-endpoints/${made.id}`;
    for (const workflows of [null, ['c'], ['a', 'c']]) {
      const refused = await limitedCall('PATCH', path, { workflows });
      expect([refused.status, refused.body.code]).toEqual([403, 'workflow_not_allowed']);
    }
    expect((await limitedCall('PATCH', path, { workflows: ['b'] })).body.workflows).toEqual(['b']);
    expect((await limitedCall('PATCH', path, { description: 'mine' })).body.version).toBe(3);
    expect((await limitedCall('POST', `${path}/rotate-secret`)).body.secret).toMatch(/^whsec_/);
    expect((await limitedCall('POST', `${path}/enable`)).status).toBe(200);
    const { body: delivery } = await limitedCall('POST', `${path}/test`);
    expect((await limitedCall('GET', `${path}/deliveries`)).body.data).toHaveLength(1);
    expect((await limitedCall('GET', `/v1/deliveries/${delivery.id}`)).status).toBe(200);
    expect((await limitedCall('POST', `/v1/deliveries/${delivery.id}/replay`)).status).toBe(200);
    expect((await limitedCall('POST', `${path}/replay`, { since: '2020-01-01T00:00:00Z' })).status).toBe(200);
    expect((await limitedCall('DELETE', path)).status).toBe(204);
    expect((await limitedCall('GET', path)).status).toBe(404);
  });

  it('lists only endpoints for its workflows, page by page', async () => {
    const workspace = v7();
    const ids: string[] = [];
    for (const workflows of [['a'], null, ['a', 'b'], ['c'], ['b'], ['a', 'c']]) {
      const { body } = await service.call(
        'POST',
        '/v1/webhook-endpoints',
        { ...valid, workflows },
        { workspace },
      );
      if (workflows?.every((key) => limited.workflows.includes(key))) ids.unshift(body.id);
    }
    const listed: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor && `&cursor=${cursor}`;
      const { body } = await service.get(`/v1/webhook-endpoints?limit=1${query}`, { ...limited, workspace });
      expect(body.data).toHaveLength(1);
      listed.push(body.data[0].id);
      cursor = body.nextCursor;
    }
    expect(listed).toEqual(ids);
    const none = await service.get('/v1/webhook-endpoints', { workflows: [], workspace });
    expect(none.body.data).toEqual([]);
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
