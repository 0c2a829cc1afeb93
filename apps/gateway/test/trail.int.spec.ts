import type { Envelope, Fact, FactHappened } from '@countersign/contracts';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { call, startGateway, type TestGateway } from './gateway';
import { startUpstream, type TestUpstream } from './upstream';

const bob = v7();
/** Intake, as far as it knows one person: whom the signed identity names. */
let intake: TestUpstream;
let gateway: TestGateway;
let owner: Client;
let home: string;
beforeAll(async () => {
  intake = await startUpstream((request, response) => {
    const [, claims = ''] = String(request.headers['countersign-identity']).split('.');
    const { actor } = JSON.parse(Buffer.from(claims, 'base64url').toString()).identity;
    const isBob = request.url === '/v1/whoami' && actor === 'bob.miller@example.com';
    response.writeHead(isBob ? 200 : 403, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(isBob ? { actor: { id: bob } } : { code: 'unknown_actor', detail: 'Nobody is.' }),
    );
  });
  gateway = await startGateway({ INTAKE_URL: intake.url });
  owner = new Client({ connectionString: gateway.ownerUrl, options: '-c search_path=access' });
  await owner.connect();
  home = (await owner.query('SELECT id FROM workspace WHERE is_default')).rows[0].id;
});
afterAll(async () => {
  await owner.end();
  await gateway.stop();
  await intake.stop();
});

/** What is written for the log, oldest first; nobody here takes it away. */
const facts = async (workspaceId = home): Promise<Fact[]> => {
  const { rows } = await owner.query<{ envelope: Envelope<FactHappened>; queue: string }>(
    `SELECT envelope, queue FROM outbox_message JOIN outbox_destination ON message_id = id WHERE outbox_message.workspace_id = $1 ORDER BY id`,
    [workspaceId],
  );
  for (const { envelope, queue } of rows)
    expect([envelope.type, envelope.source, queue]).toEqual(['fact.happened.v1', 'gateway', 'audit']);
  return rows.flatMap(({ envelope }) => envelope.data.facts);
};
const factsDuring = async (work: () => Promise<void>): Promise<Fact[]> => {
  const before = await facts();
  await work();
  return (await facts()).slice(before.length);
};
const api = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call(gateway.url, gateway.adminKey, method, path, body, headers);

describe('what the gateway tells the log', () => {
  let rootKey: string;

  it('begins with the workspace default and the root key, once however often it starts', async () => {
    const told = await facts();
    expect(told.map(({ type }) => type)).toEqual(['workspace.created', 'api_key.created']);
    const [row] = (await owner.query('SELECT id FROM api_key WHERE root')).rows;
    rootKey = row.id;
    expect(told[0]?.content).toEqual({ workspaceId: home, kind: 'live' });
    expect(told[1]).toMatchObject({
      actor: { type: 'system', id: null, via: null },
      content: { apiKeyId: rootKey, scopes: ['admin'], workflows: null, expiresAt: null, root: true },
    });
    expect(await factsDuring(async () => void (await gateway.another()))).toEqual([]);
  });

  it('says who made and revoked a key, how they were known, and nothing free in the open', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    let id = '';
    const [made, revoked, ...more] = await factsDuring(async () => {
      const made = await api(
        'POST',
        '/v1/api-keys',
        { name: 'Key of Bob Miller', scopes: ['requests:read'], workflows: ['purchase'] },
        { traceparent, 'countersign-actor': 'bob.miller@example.com' },
      );
      expect(made.status).toBe(201);
      id = made.body.id as string;
      const authorization = `Basic ${Buffer.from(`curl:${gateway.adminKey}`).toString('base64')}`;
      for (let time = 0; time < 2; time++)
        expect((await api('DELETE', `/v1/api-keys/${id}`, undefined, { authorization })).status).toBe(204);
    });
    expect(made).toMatchObject({
      type: 'api_key.created',
      actor: { type: 'user', id: bob, via: rootKey },
      content: {
        apiKeyId: id,
        scopes: ['requests:read'],
        workflows: ['purchase'],
        root: false,
        scheme: 'bearer',
        traceId: 'a'.repeat(32),
      },
      personal: [{ subject: null, kind: 'words', data: { name: 'Key of Bob Miller' } }],
    });
    expect(JSON.stringify(made?.content)).not.toMatch(/bob|miller/i);
    expect(revoked).toMatchObject({
      type: 'api_key.revoked',
      actor: { type: 'service', id: rootKey, via: null },
      content: { apiKeyId: id, root: false, scheme: 'basic' },
    });
    // Revoked again: nothing has changed.
    expect(more).toEqual([]);
  });

  it('refuses who is unknown, and does without those who could tell only what needs them', async () => {
    const headers = { 'countersign-actor': 'nobody@example.com' };
    const told = await factsDuring(async () => {
      const made = await api('POST', '/v1/api-keys', { name: 'x', scopes: ['admin'] });
      const path = `/v1/api-keys/${made.body.id as string}`;
      const alone = `http://127.0.0.1:${(await gateway.another({ INTAKE_URL: 'http://127.0.0.1:1' })).port}`;
      const refused = [
        await api('POST', '/v1/api-keys', { name: 'x', scopes: ['admin'] }, headers),
        await api('POST', '/v1/workspaces', { name: 'x', kind: 'live' }, headers),
        await api('DELETE', path, undefined, { ...headers, 'if-match': '"99"' }),
        await api('POST', '/v1/api-keys', { name: 'x', scopes: [] }, headers),
        await call(alone, gateway.adminKey, 'DELETE', path, undefined, headers),
      ];
      expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
        [403, 'unknown_actor'],
        [403, 'unknown_actor'],
        [403, 'unknown_actor'],
        [400, 'validation_failed'],
        [503, 'unavailable'],
      ]);
      expect((await call(alone, gateway.adminKey, 'DELETE', path)).status).toBe(204);
    });
    expect(told.map(({ type }) => type)).toEqual(['api_key.created', 'api_key.revoked']);
  });

  it('says nothing of what was refused, and of a repeated call once', async () => {
    const told = await factsDuring(async () => {
      expect((await api('POST', '/v1/api-keys', { name: 'x', scopes: ['everything'] })).status).toBe(400);
      const body = { name: 'once', scopes: ['requests:read'] };
      for (let time = 0; time < 2; time++) {
        const answer = await api('POST', '/v1/api-keys', body, { 'idempotency-key': 'once' });
        expect(answer.status).toBe(201);
      }
    });
    expect(told.map(({ type }) => type)).toEqual(['api_key.created']);
  });

  it('tells of a new workspace to whoever runs the deployment and to the workspace itself', async () => {
    let made: Record<string, unknown> = {};
    const [here, ...more] = await factsDuring(async () => {
      made = (await api('POST', '/v1/workspaces', { name: 'Miller & Sons', kind: 'sandbox' })).body;
    });
    const there = await facts(made.id as string);
    expect(more).toEqual([]);
    for (const fact of [here, there[0]]) {
      expect(fact).toMatchObject({
        type: 'workspace.created',
        actor: { type: 'service', id: rootKey },
        content: { workspaceId: made.id, kind: 'sandbox' },
        personal: [{ data: { name: 'Miller & Sons' } }],
      });
    }
    const { rows } = await owner.query('SELECT id FROM api_key WHERE workspace_id = $1', [made.id]);
    expect(there.slice(1)).toMatchObject([{ type: 'api_key.created', content: { apiKeyId: rows[0].id } }]);
  });

  it('tells of another root key and of the end of the one before', async () => {
    const told = await factsDuring(async () => {
      await gateway.another({ COUNTERSIGN_ADMIN_KEY: `cs_live_${'z'.repeat(43)}` });
      await gateway.another();
    });
    expect(told.map(({ type, content }) => [type, content.apiKeyId === rootKey, content.root])).toEqual([
      ['api_key.revoked', true, true],
      ['api_key.created', false, true],
      ['api_key.revoked', false, true],
      ['api_key.created', true, true],
    ]);
  });
});

it('makes and revokes keys, is live and stops in time while Redis is away; the log is told later', async () => {
  // Nothing listens there.
  const alone = await gateway.another({ REDIS_URL: 'redis://127.0.0.1:1' });
  const url = `http://127.0.0.1:${alone.port}`;
  const told = await factsDuring(async () => {
    const { status, body } = await call(url, gateway.adminKey, 'POST', '/v1/api-keys', {
      name: 'while Redis is away',
      scopes: ['admin'],
    });
    expect(status).toBe(201);
    const key = body.key as string;
    expect((await call(url, key, 'GET', '/v1/api-keys')).status).toBe(200);
    expect((await call(url, null, 'GET', '/healthz')).status).toBe(200);
    const readiness = await call(url, null, 'GET', '/readyz');
    expect(String(readiness.body.detail ?? '')).not.toContain('gateway');
    expect((await call(url, gateway.adminKey, 'DELETE', `/v1/api-keys/${body.id as string}`)).status).toBe(
      204,
    );
    expect((await call(url, key, 'GET', '/v1/api-keys')).status).toBe(401);
  });
  expect(told.map(({ type }) => type)).toEqual(['api_key.created', 'api_key.revoked']);
  await alone.stop();
}, 30_000);
