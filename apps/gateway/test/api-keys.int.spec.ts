import { Client } from 'pg';
import { urlAs } from '@countersign/persistence';
import { call, run, startGateway, type TestGateway } from './gateway';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

const api = (
  key: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => call(gateway.url, key, method, path, body, headers);

const newKey = async (admin: string, members: Record<string, unknown> = {}) => {
  const { status, body } = await api(admin, 'POST', '/v1/api-keys', {
    name: 'erp',
    scopes: ['admin'],
    ...members,
  });
  expect(status).toBe(201);
  return body as { id: string; key: string };
};

const newWorkspace = async (name: string, kind = 'live') => {
  const { status, body } = await api(gateway.adminKey, 'POST', '/v1/workspaces', { name, kind });
  expect(status).toBe(201);
  return body as { id: string; adminKey: string };
};

describe('API keys', () => {
  it('shows a new key once and takes it in the very next call', async () => {
    const { status, headers, body } = await api(gateway.adminKey, 'POST', '/v1/api-keys', {
      name: 'erp',
      scopes: ['requests:read', 'admin'],
      workflows: ['purchase-order'],
      expiresAt: '2999-01-01T00:00:00Z',
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/api-keys/${body.id as string}`);
    expect(body).toEqual({
      id: expect.any(String),
      name: 'erp',
      scopes: ['requests:read', 'admin'],
      workflows: ['purchase-order'],
      expiresAt: '2999-01-01T00:00:00.000Z',
      createdAt: expect.any(String),
      revokedAt: null,
      version: 1,
      key: expect.stringMatching(/^cs_live_[A-Za-z0-9_-]{43}$/),
    });
    const list = await api(body.key as string, 'GET', '/v1/api-keys');
    expect(list.status).toBe(200);
    expect(JSON.stringify(list.body)).not.toContain(body.key);
    expect(JSON.stringify(list.body)).not.toContain('hash');
    const one = await api(body.key as string, 'GET', `/v1/api-keys/${body.id as string}`);
    expect(one.headers.get('etag')).toBe('"1"');
    expect(one.body).not.toHaveProperty('key');
  });

  it('ends a revoked key at once here and within 10 s in another gateway that has used it', async () => {
    const { id, key } = await newKey(gateway.adminKey);
    const other = `http://127.0.0.1:${(await gateway.another()).port}`;
    expect((await call(other, key, 'GET', '/v1/api-keys')).status).toBe(200);
    expect((await api(key, 'GET', '/v1/api-keys')).status).toBe(200);
    expect((await api(gateway.adminKey, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    expect((await api(key, 'GET', '/v1/api-keys')).status).toBe(401);
    expect((await api(gateway.adminKey, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    expect((await api(gateway.adminKey, 'GET', `/v1/api-keys/${id}`)).body.revokedAt).toEqual(
      expect.any(String),
    );
    const start = Date.now();
    while ((await call(other, key, 'GET', '/v1/api-keys')).status === 200) {
      expect(Date.now() - start).toBeLessThan(10_000);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect((await call(other, key, 'GET', '/v1/api-keys')).status).toBe(401);
  }, 20_000);

  it('stops taking a key when it expires, whatever is cached', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { key } = await newKey(gateway.adminKey, { expiresAt });
    expect((await api(key, 'GET', '/v1/api-keys')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1_600));
    expect((await api(key, 'GET', '/v1/api-keys')).status).toBe(401);
  });

  it('names everything that is wrong with a new key', async () => {
    const { status, body } = await api(gateway.adminKey, 'POST', '/v1/api-keys', {
      scopes: ['requests:read', 'everything'],
      workflows: [7],
      expiresAt: 'tomorrow',
      colour: 'red',
    });
    expect(status).toBe(400);
    expect(body.code).toBe('validation_failed');
    const pointers = (body.errors as { pointer: string }[]).map(({ pointer }) => pointer);
    expect(new Set(pointers)).toEqual(new Set(['/name', '/scopes', '/workflows', '/expiresAt', '/colour']));
    const past = await api(gateway.adminKey, 'POST', '/v1/api-keys', {
      name: 'x',
      scopes: ['admin'],
      expiresAt: '2001-01-01T00:00:00Z',
    });
    expect(past.body.errors).toEqual([{ pointer: '/expiresAt', message: 'It must be in the future.' }]);
  });

  it('needs the scope admin', async () => {
    const { key } = await newKey(gateway.adminKey, { scopes: ['requests:read'] });
    for (const [method, path] of [
      ['POST', '/v1/api-keys'],
      ['GET', '/v1/api-keys'],
      ['GET', '/v1/workspaces'],
      ['POST', '/v1/workspaces'],
    ] as const) {
      const { status, body, headers } = await api(key, method, path);
      expect([status, body.code]).toEqual([403, 'insufficient_scope']);
      expect(body.detail).toContain('admin');
      expect(headers.get('www-authenticate')).toContain('scope="admin"');
    }
  });

  it('of some workflows give no more than they have, and reach no key that has more', async () => {
    const { adminKey } = await newWorkspace('limited');
    const { id, key } = await newKey(adminKey, { workflows: ['a', 'b'] });
    for (const workflows of [undefined, null, ['c'], ['a', 'c']]) {
      const { status, body } = await api(key, 'POST', '/v1/api-keys', {
        name: 'x',
        scopes: ['admin'],
        workflows,
      });
      expect([status, body.code]).toEqual([403, 'workflow_not_allowed']);
      expect(body.detail).toContain(workflows ? 'the workflow c' : 'all workflows');
    }
    const beyond = [await newKey(adminKey), await newKey(adminKey, { workflows: ['a', 'c'] })];
    const within = await newKey(key, { workflows: ['b'] });
    await newKey(adminKey, { workflows: ['c'] });
    for (const other of beyond) {
      for (const method of ['GET', 'DELETE']) {
        const { status, body } = await api(key, method, `/v1/api-keys/${other.id}`, undefined, {
          'if-match': '"9"',
        });
        expect([method, status, body.code]).toEqual([method, 403, 'workflow_not_allowed']);
      }
      expect((await api(adminKey, 'GET', `/v1/api-keys/${other.id}`)).body.revokedAt).toBeNull();
    }
    const first = await api(key, 'GET', '/v1/api-keys?limit=1');
    const rest = await api(key, 'GET', `/v1/api-keys?limit=1&cursor=${first.body.nextCursor as string}`);
    const listed = [first, rest].flatMap(({ body }) => body.data as { id: string }[]);
    expect(listed.map((one) => one.id)).toEqual([within.id, id]);
    expect(rest.body.nextCursor).toBeNull();
    expect((await api(adminKey, 'GET', '/v1/api-keys')).body.data).toHaveLength(6);
    expect((await api(key, 'GET', `/v1/api-keys/${within.id}`)).status).toBe(200);
    expect((await api(key, 'DELETE', `/v1/api-keys/${within.id}`)).status).toBe(204);
    const workspace = await api(key, 'POST', '/v1/workspaces', { name: 'mine', kind: 'live' });
    expect([workspace.status, workspace.body.code]).toEqual([403, 'insufficient_scope']);
  });

  it('answers a repeated Idempotency-Key with the same key, which it keeps encrypted', async () => {
    const twice = () =>
      api(
        gateway.adminKey,
        'POST',
        '/v1/api-keys',
        { name: 'once', scopes: ['tasks:read'] },
        { 'idempotency-key': 'abc' },
      );
    const [first, second] = [await twice(), await twice()];
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const owner = new Client({ connectionString: gateway.ownerUrl });
    await owner.connect();
    const { rows } = await owner.query<{ answer: Buffer }>('SELECT answer FROM access.idempotency');
    await owner.end();
    expect(rows.length).toBeGreaterThan(0);
    for (const { answer } of rows) expect(answer.toString('latin1')).not.toContain(first.body.key);
  });

  it('refuses a change that was meant for another version', async () => {
    const { id } = await newKey(gateway.adminKey);
    const refused = await api(gateway.adminKey, 'DELETE', `/v1/api-keys/${id}`, undefined, {
      'if-match': '"9"',
    });
    expect([refused.status, refused.body.code]).toEqual([412, 'version_mismatch']);
  });

  it('pages newest first', async () => {
    const { adminKey } = await newWorkspace('pages');
    for (const name of ['a', 'b', 'c']) await newKey(adminKey, { name, scopes: ['admin'] });
    const first = await api(adminKey, 'GET', '/v1/api-keys?limit=2');
    const names = (page: Record<string, unknown>) =>
      (page.data as { name: string }[]).map(({ name }) => name);
    expect(names(first.body)).toEqual(['c', 'b']);
    const second = await api(
      adminKey,
      'GET',
      `/v1/api-keys?limit=2&cursor=${first.body.nextCursor as string}`,
    );
    expect(names(second.body)).toEqual(['a', 'admin']);
    expect(second.body.nextCursor).toBeNull();
    expect((await api(adminKey, 'GET', '/v1/api-keys?cursor=x')).status).toBe(400);
    expect((await api(adminKey, 'GET', '/v1/api-keys?limit=0')).status).toBe(400);
  });
});

describe('workspaces', () => {
  it('come with an admin key of their own kind, for the root key only', async () => {
    const { status, body, headers } = await api(gateway.adminKey, 'POST', '/v1/workspaces', {
      name: 'Try',
      kind: 'sandbox',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      name: 'Try',
      kind: 'sandbox',
      adminKey: expect.stringMatching(/^cs_test_[A-Za-z0-9_-]{43}$/),
    });
    expect((await api(gateway.adminKey, 'GET', headers.get('location') ?? '')).body).toEqual({
      id: body.id,
      name: 'Try',
      kind: 'sandbox',
    });
    const list = await api(gateway.adminKey, 'GET', '/v1/workspaces');
    const names = (list.body.data as { name: string }[]).map(({ name }) => name);
    expect(names[0]).toBe('Try');
    expect(names.at(-1)).toBe('default');
    for (const [method, path, given] of [
      ['POST', '/v1/workspaces', { name: 'Mine', kind: 'live' }],
      ['GET', '/v1/workspaces', undefined],
      ['GET', `/v1/workspaces/${body.id as string}`, undefined],
    ] as const) {
      const refused = await api(body.adminKey as string, method, path, given);
      expect([refused.status, refused.body.code]).toEqual([403, 'insufficient_scope']);
    }
    expect(await newKey(body.adminKey as string)).toMatchObject({
      key: expect.stringMatching(/^cs_test_/) as string,
    });
  });

  it('see nothing of each other', async () => {
    const [one, two] = [await newWorkspace('one'), await newWorkspace('two')];
    const { id } = await newKey(one.adminKey, { name: 'secret of one' });
    expect(JSON.stringify((await api(two.adminKey, 'GET', '/v1/api-keys')).body)).not.toContain(
      'secret of one',
    );
    expect((await api(two.adminKey, 'GET', `/v1/api-keys/${id}`)).status).toBe(404);
    expect((await api(two.adminKey, 'DELETE', `/v1/api-keys/${id}`)).status).toBe(404);
    expect((await api(one.adminKey, 'GET', `/v1/api-keys/${id}`)).body.revokedAt).toBeNull();
  });

  it('are kept apart by the database, also from a statement that forgets the workspace', async () => {
    const app = new Client({
      connectionString: urlAs(gateway.ownerUrl, gateway.secretKey, 'countersign_access'),
    });
    await app.connect();
    const { id } = await newWorkspace('walled');
    await app.query(`SET search_path = access`);
    expect((await app.query('SELECT 1 FROM api_key')).rowCount).toBe(0);
    expect((await app.query('SELECT 1 FROM workspace')).rowCount).toBe(0);
    await app.query(`SET app.workspaces = '${id}'`);
    const { rows } = await app.query<{ workspace_id: string }>('SELECT workspace_id FROM api_key');
    expect(rows).toEqual([{ workspace_id: id }]);
    const insert = (root: boolean) =>
      app.query(
        `INSERT INTO api_key (id, workspace_id, name, hash, scopes, root)
         VALUES (gen_random_uuid(), $1, 'x', sha256(random()::text::bytea), '{admin}', $2)`,
        [id, root],
      );
    await insert(false);
    await expect(insert(true)).rejects.toThrow(/row-level security/);
    await expect(app.query('DROP TABLE api_key')).rejects.toThrow(/must be owner/);
    await app.end();
  });
});

describe('COUNTERSIGN_ADMIN_KEY', () => {
  it('cannot be revoked by the API', async () => {
    const list = await api(gateway.adminKey, 'GET', '/v1/api-keys?limit=200');
    const root = (list.body.data as { id: string; name: string }[]).find(
      ({ name }) => name === 'COUNTERSIGN_ADMIN_KEY',
    );
    const refused = await api(gateway.adminKey, 'DELETE', `/v1/api-keys/${root?.id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'invalid_transition']);
  });

  it('works again after a restart, and its predecessor ends when it changes', async () => {
    const own = await startGateway();
    try {
      const again = await own.another();
      expect(
        (await call(`http://127.0.0.1:${again.port}`, own.adminKey, 'GET', '/v1/workspaces')).status,
      ).toBe(200);
      const changed = await own.another({
        COUNTERSIGN_ADMIN_KEY: 'cs_live_another-key-of-the-same-deployment',
      });
      const url = `http://127.0.0.1:${changed.port}`;
      expect((await call(url, own.adminKey, 'GET', '/v1/workspaces')).status).toBe(401);
      const workspaces = await call(
        url,
        'cs_live_another-key-of-the-same-deployment',
        'GET',
        '/v1/workspaces',
      );
      expect((workspaces.body.data as unknown[]).length).toBe(1);
      const unset = await own.another({ COUNTERSIGN_ADMIN_KEY: '' });
      const kept = await call(
        `http://127.0.0.1:${unset.port}`,
        'cs_live_another-key-of-the-same-deployment',
        'GET',
        '/v1/workspaces',
      );
      expect(kept.status).toBe(200);
    } finally {
      await own.stop();
    }
  });

  it('is set up by an owner who is no superuser', async () => {
    const own = await startGateway();
    try {
      // As where DATABASE_URL names somebody else's server: row security binds such an owner.
      await run(
        own.ownerUrl,
        `CREATE ROLE plain_owner_${process.pid} NOSUPERUSER NOBYPASSRLS`,
        `GRANT USAGE, CREATE ON SCHEMA access TO plain_owner_${process.pid}`,
        `ALTER TABLE access.workspace OWNER TO plain_owner_${process.pid}`,
        `ALTER TABLE access.api_key OWNER TO plain_owner_${process.pid}`,
        `ALTER FUNCTION access.find_key OWNER TO plain_owner_${process.pid}`,
        `ALTER FUNCTION access.create_workspace OWNER TO plain_owner_${process.pid}`,
        `ALTER FUNCTION access.list_workspaces OWNER TO plain_owner_${process.pid}`,
        `ALTER FUNCTION access.ensure_admin_key OWNER TO plain_owner_${process.pid}`,
        `ALTER POLICY owner ON access.workspace TO plain_owner_${process.pid}`,
        `ALTER POLICY owner ON access.api_key TO plain_owner_${process.pid}`,
      );
      const made = await call(own.url, own.adminKey, 'POST', '/v1/workspaces', { name: 'w', kind: 'live' });
      expect(made.status).toBe(201);
      expect((await call(own.url, made.body.adminKey as string, 'GET', '/v1/api-keys')).status).toBe(200);
      await own.another({ COUNTERSIGN_ADMIN_KEY: 'cs_live_a-key-that-the-plain-owner-sets-up' });
    } finally {
      await own.stop();
      await run(process.env.TEST_DATABASE_URL ?? '', `DROP ROLE plain_owner_${process.pid}`);
    }
  });
});
