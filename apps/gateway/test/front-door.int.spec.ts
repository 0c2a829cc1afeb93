import { randomBytes } from 'node:crypto';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { IdentityVerifier } from '@countersign/service-kit';
import { call, run, startGateway, type TestGateway } from './gateway';
import { startUpstream, type Seen, type TestUpstream } from './upstream';

const mebibyte = 1024 * 1024;

/** Answers by path: echo, refuse early, break off, drip, never. */
const answer: Parameters<typeof startUpstream>[0] = (request, response) => {
  const path = request.url ?? '';
  if (path.startsWith('/v1/requests/early')) {
    return void response
      .writeHead(413, { 'content-type': 'application/problem+json' })
      .end('{"code":"payload_too_large"}');
  }
  if (path.startsWith('/v1/requests/broken')) {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    return void setTimeout(() => response.destroy(), 50);
  }
  if (path.startsWith('/v1/audit/export')) {
    response.writeHead(200, { trailer: 'content-digest' });
    response.write('line 1\n');
    return void setTimeout(() => {
      if (path.endsWith('broken')) return void response.destroy();
      response.addTrailers({ 'content-digest': 'sha-256=:AA==:' });
      response.end('line 2\n');
    }, 100);
  }
  if (path.startsWith('/v1/requests/never')) return;
  if (path.startsWith('/decide/hangup'))
    return void request.resume().on('end', () => request.socket.destroy());
  if (path.startsWith('/v1/requests/hangup')) return void request.socket.destroy();
  if (path.startsWith('/v1/requests/echo')) {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      etag: '"7"',
      connection: 'keep-alive, x-secret',
      'x-secret': '1',
    });
    return void request.pipe(response);
  }
  request.resume();
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
};

let intake: TestUpstream;
let audit: TestUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  [intake, audit] = await Promise.all([startUpstream(answer), startUpstream(answer)]);
  gateway = await startGateway({
    INTAKE_URL: intake.url,
    AUDIT_URL: audit.url,
    APPROVER_RESOLUTION_URL: 'http://127.0.0.1:9',
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([intake.stop(), audit.stop()]);
});
beforeEach(() => {
  intake.seen.length = audit.seen.length = 0;
});

const api = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  call(gateway.url, gateway.adminKey, method, path, body, headers);

const onlyCall = (): Seen => {
  const [seen] = intake.seen;
  if (!seen || intake.seen.length > 1) throw new Error(`${intake.seen.length} calls came`);
  return seen;
};

const until = async (holds: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5_000; !holds();) {
    if (Date.now() > end) throw new Error('it never happened');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** Sends bytes as they are and gives back everything that comes until the gateway closes. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () =>
      socket.write(text, 'latin1'),
    );
    let got = '';
    socket.setEncoding('latin1').on('data', (part) => (got += part));
    socket.on('close', () => resolve(got)).on('error', reject);
  });

const lines = (...content: string[]): string => `${content.join('\r\n')}\r\n\r\n`;
const bearer = (): string => `authorization: Bearer ${gateway.adminKey}`;

describe('who may come in', () => {
  it('refuses a call without a valid key and says how to authenticate', async () => {
    for (const headers of [
      {},
      { authorization: 'Bearer cs_live_wrong' },
      { authorization: 'Bearer' },
      { authorization: `Digest ${gateway.adminKey}` },
      { authorization: `Basic ${Buffer.from('nobody').toString('base64')}` },
      { authorization: `Basic ${Buffer.from('a:wrong').toString('base64')}` },
    ] as Record<string, string>[]) {
      const refused = await call(gateway.url, null, 'GET', '/v1/requests', undefined, headers);
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated']);
      expect(refused.headers.get('content-type')).toContain('application/problem+json');
      expect(refused.headers.get('www-authenticate')).toBe(
        'Bearer realm="countersign", Basic realm="countersign"',
      );
      expect(refused.body.traceId).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(intake.seen).toEqual([]);
  });

  it('asks for a key before it says whether there is such a path', async () => {
    expect((await call(gateway.url, null, 'GET', '/v1/nothing')).status).toBe(401);
    expect((await api('GET', '/v1/nothing')).status).toBe(404);
  });

  it('takes the key as a Basic password under any user name', async () => {
    const basic = (user: string) => `Basic ${Buffer.from(`${user}:${gateway.adminKey}`).toString('base64')}`;
    for (const user of ['', 'curl']) {
      expect(
        (await call(gateway.url, null, 'GET', '/v1/requests', undefined, { authorization: basic(user) }))
          .status,
      ).toBe(200);
    }
  });

  it('answers SCIM callers in SCIM', async () => {
    const refused = await call(gateway.url, null, 'GET', '/scim/v2/Users');
    expect(refused.status).toBe(401);
    expect(refused.body).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '401',
    });
    const down = await api('GET', '/scim/v2/Users');
    expect(down.headers.get('content-type')).toContain('application/scim+json');
    expect(down.body.status).toBe('503');
  });

  it('lets nobody else in while the database is away, and a known key only for its 5 s', async () => {
    const own = await startGateway({ INTAKE_URL: intake.url });
    try {
      expect((await call(own.url, own.adminKey, 'GET', '/v1/requests')).status).toBe(200);
      const knownAt = Date.now();
      const name = new URL(own.ownerUrl).pathname.slice(1);
      await run(
        process.env.TEST_DATABASE_URL ?? '',
        `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
      expect((await call(own.url, own.adminKey, 'GET', '/v1/requests')).status).toBe(200);
      const stranger = await call(own.url, 'cs_live_unknown', 'GET', '/v1/requests');
      expect(stranger.status).toBeGreaterThanOrEqual(500);
      await new Promise((resolve) => setTimeout(resolve, knownAt + 5_050 - Date.now()));
      expect((await call(own.url, own.adminKey, 'GET', '/v1/requests')).status).toBeGreaterThanOrEqual(500);
      expect((await call(own.url, null, 'GET', '/readyz')).status).toBe(503);
      await run(process.env.TEST_DATABASE_URL ?? '', `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      expect((await call(own.url, own.adminKey, 'GET', '/v1/requests')).status).toBe(200);
    } finally {
      await own.stop();
    }
  }, 20_000);
});

describe('where calls go', () => {
  it('passes each path to its owner with the query as it is', async () => {
    await api('GET', '/v1/requests/x%20y?a=%2F..%2F&b');
    await api('GET', '/v1/audit/entries');
    expect(intake.seen.map(({ url }) => url)).toEqual(['/v1/requests/x%20y?a=%2F..%2F&b']);
    expect(audit.seen.map(({ url }) => url)).toEqual(['/v1/audit/entries']);
  });

  it.each([
    '//v1/requests',
    '/v1//requests',
    '/v1/requests/../audit',
    '/v1/requests/%2e%2e/audit',
    '/v1/requests/%2E',
    '/v1/requests/..%2faudit',
    '/v1/requests/a%5cb',
    '/v1/requests/%00',
    '/v1/requests/%',
    '/v1/requests/%252e',
    '/V1/requests',
    '/v1/requestsx',
    '/healthz/..',
    '/',
    '/v1/requests#x',
    'http://127.0.0.1/v1/requests',
    '/v1/%72equests',
    '/v1/requests/a\\b',
  ])('refuses the target %s with 404', async (target) => {
    const got = await raw(lines(`GET ${target} HTTP/1.1`, 'host: x', 'connection: close', bearer()));
    expect(got).toMatch(/^HTTP\/1\.1 404 /);
    expect(intake.seen).toEqual([]);
  });

  it('refuses methods that the API does not have', async () => {
    const got = await raw(lines('TRACE /v1/requests HTTP/1.1', 'host: x', 'connection: close', bearer()));
    expect(got).toMatch(/^HTTP\/1\.1 405 /);
    expect(got).toContain('method_not_allowed');
  });

  it('answers OPTIONS, health and documentation without a key', async () => {
    const options = await call(gateway.url, null, 'OPTIONS', '/v1/requests');
    expect([options.status, options.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ]);
    expect((await call(gateway.url, null, 'GET', '/healthz')).status).toBe(200);
    const docs = await fetch(`${gateway.url}/docs`);
    expect([docs.status, docs.headers.get('content-security-policy')]).toEqual([
      200,
      expect.stringContaining("default-src 'none'"),
    ]);
    const html = await docs.text();
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBe(4);
    for (const file of files) expect((await fetch(gateway.url + file)).status).toBe(200);
  });

  it('passes calls for the schema of definitions on without a key, and nothing else of its kind', async () => {
    for (const method of ['GET', 'HEAD']) {
      const forged = { 'countersign-identity': 'forged' };
      const got = await call(gateway.url, null, method, '/v1/schemas/workflow.json', undefined, forged);
      expect([method, got.status]).toEqual([method, 200]);
      expect(intake.seen.pop()?.headers).not.toHaveProperty('countersign-identity');
    }
    for (const [method, path] of [
      ['POST', '/v1/schemas/workflow.json'],
      ['GET', '/v1/schemas/workflow.json/'],
      ['GET', '/v1/schemas/other.json'],
    ] as const)
      expect([path, (await call(gateway.url, null, method, path)).status]).toEqual([path, 401]);
  });

  it('is ready only when everything behind it is, and names what is not', async () => {
    const missing = await call(gateway.url, null, 'GET', '/readyz');
    expect([missing.status, missing.body.detail]).toEqual([503, 'Not ready: approver-resolution.']);
    const whole = await gateway.another({ APPROVER_RESOLUTION_URL: '' });
    expect((await call(`http://127.0.0.1:${whole.port}`, null, 'GET', '/readyz')).status).toBe(200);
  });

  it('answers 503 with Retry-After for a service that is away or was never there', async () => {
    for (const path of ['/v1/delegations', '/v1/deliveries']) {
      const refused = await api('POST', path, { a: 'b'.repeat(100_000) });
      expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(refused.headers.get('ratelimit')).toMatch(/^"default";r=\d+;t=1$/);
    }
  });

  it('does not say that nothing was decided when it does not know', async () => {
    const pageOf = async (method: string) => {
      const response = await fetch(`${gateway.url}/decide/hangup`, {
        method,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        ...(method === 'POST' ? { body: 'decision=approve' } : {}),
      });
      return [response.status, (await response.text()).includes('Nothing was decided')];
    };
    expect(await pageOf('POST')).toEqual([503, false]);
    expect(await pageOf('GET')).toEqual([503, true]);
  });

  it('answers 503 when a service hangs up without an answer', async () => {
    expect((await api('POST', '/v1/requests/hangup', {})).status).toBe(503);
  });
});

describe('what a service sees', () => {
  it('is who calls, signed, and nothing of the secrets', async () => {
    await api(
      'POST',
      '/v1/requests',
      { a: 1 },
      {
        cookie: 'session=1',
        'countersign-identity': 'forged',
        'countersign-actor': '  alice@example.com ',
        'x-forwarded-for': '203.0.113.9',
        'if-match': '"3"',
      },
    );
    const { headers, body } = onlyCall();
    expect(JSON.stringify(headers)).not.toContain(gateway.adminKey);
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('countersign-actor');
    expect(headers).toMatchObject({
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'if-match': '"3"',
    });
    expect(body.toString()).toBe('{"a":1}');
    const token = headers['countersign-identity'];
    expect(await new IdentityVerifier(gateway.secretKey).verify(String(token))).toMatchObject({
      workspace: { name: 'default', kind: 'live' },
      key: { name: 'COUNTERSIGN_ADMIN_KEY', scopes: ['admin'], workflows: null },
      actor: 'alice@example.com',
    });
  });

  it('cannot be forged from outside with a Connection header', async () => {
    const got = await raw(
      lines(
        'GET /v1/requests HTTP/1.1',
        'host: x',
        'connection: close, countersign-identity, traceparent, x-private',
        'x-private: 1',
        'countersign-identity: forged',
        bearer(),
      ),
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    const [seen] = intake.seen;
    expect(seen?.headers).not.toHaveProperty('x-private');
    expect(seen?.headers['countersign-identity']).toMatch(/^ey/);
    expect(seen?.headers.traceparent).toMatch(/^00-/);
  });

  it('is the actor in UTF-8, and never an empty or endless one', async () => {
    const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');
    await api('GET', '/v1/requests', undefined, { 'countersign-actor': latin1('zoë@example.com') });
    const verifier = new IdentityVerifier(gateway.secretKey);
    const seen = await verifier.verify(String(intake.seen[0]?.headers['countersign-identity']));
    expect(seen).toMatchObject({ actor: 'zoë@example.com' });
    for (const actor of ['', '  ', 'x'.repeat(321)]) {
      const refused = await api('GET', '/v1/requests', undefined, { 'countersign-actor': actor });
      expect([refused.status, refused.body.code]).toEqual([400, 'validation_failed']);
    }
    expect((await api('GET', '/v1/nothing', undefined, { 'countersign-actor': '' })).status).toBe(404);
  });

  it('is the trace of the caller, or a new one', async () => {
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    await api('GET', '/v1/requests', undefined, { traceparent });
    await api('GET', '/v1/requests', undefined, { traceparent: 'nonsense' });
    expect(intake.seen[0]?.headers.traceparent).toBe(traceparent);
    expect(intake.seen[1]?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const down = await api('GET', '/v1/delegations', undefined, { traceparent });
    expect(down.body.traceId).toBe(traceparent.slice(3, 35));
  });

  it('is one call for one call: a chunked body of a GET stays a body', async () => {
    const smuggled = 'GET /v1/requests/smuggled HTTP/1.1\r\nhost: x\r\n\r\n';
    const got = await raw(
      lines(
        'GET /v1/requests/echo HTTP/1.1',
        'host: x',
        'connection: close',
        'transfer-encoding: chunked',
        bearer(),
      ) + `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    );
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    await until(() => intake.seen.length === 1);
    expect(intake.seen[0]).toMatchObject({ url: '/v1/requests/echo', complete: true });
    expect(intake.seen[0]?.body.toString()).toBe(smuggled);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(intake.seen.length).toBe(1);
  });

  it('is never a call with two lengths', async () => {
    const got = await raw(
      lines(
        'POST /v1/requests/echo HTTP/1.1',
        'host: x',
        'content-length: 4',
        'transfer-encoding: chunked',
        bearer(),
      ) + '0\r\n\r\n',
    );
    expect(got).toMatch(/^HTTP\/1\.1 400 /);
    expect(intake.seen).toEqual([]);
  });
});

describe('what a caller gets', () => {
  it('is 1 MiB back for 1 MiB, byte by byte, with the headers of the answer alone', async () => {
    const body = randomBytes(mebibyte);
    const echoed = await fetch(`${gateway.url}/v1/requests/echo`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-type': 'application/octet-stream' },
    });
    expect(echoed.headers.get('etag')).toBe('"7"');
    expect(echoed.headers.get('x-secret')).toBe('1');
    expect(Buffer.from(await echoed.arrayBuffer()).equals(body)).toBe(true);
  });

  it('is the early answer to a body that nobody wants', async () => {
    const agent = new Agent({ keepAlive: true });
    for (let round = 0; round < 3; round++) {
      const status = await new Promise<number>((resolve, reject) => {
        const outgoing = send(`${gateway.url}/v1/requests/early`, {
          agent,
          method: 'POST',
          headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-length': 5 * mebibyte },
        });
        outgoing.on('response', (got) => {
          got.resume();
          // Only now the rest of the body, as a client does that does not look at answers while it sends.
          outgoing.end(Buffer.alloc(4 * mebibyte));
          got.on('end', () => resolve(got.statusCode ?? 0));
        });
        outgoing.on('error', reject);
        outgoing.write(Buffer.alloc(mebibyte));
      });
      expect(status).toBe(413);
    }
    agent.destroy();
    expect((await api('GET', '/v1/requests')).status).toBe(200);
  });

  it('breaks off when the answer of the service does', async () => {
    const broken = await fetch(`${gateway.url}/v1/requests/broken`, {
      headers: { authorization: `Bearer ${gateway.adminKey}` },
    });
    await expect(broken.text()).rejects.toThrow();
  });

  it('passes on what follows a body', async () => {
    const got = await new Promise<IncomingMessage>((resolve) =>
      send(
        `${gateway.url}/v1/audit/export`,
        { headers: { authorization: `Bearer ${gateway.adminKey}` } },
        resolve,
      ).end(),
    );
    let text = '';
    for await (const part of got) text += String(part);
    expect([got.headers.trailer, text]).toEqual(['content-digest', 'line 1\nline 2\n']);
    expect(got.trailers).toEqual({ 'content-digest': 'sha-256=:AA==:' });
  });

  it.each([
    ['ends a body for who reads to the end of the connection', '', null],
    ['resets the connection of such a reader when the body breaks off', '/broken', 'ECONNRESET'],
  ])('%s', async (_, ending, code) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
    socket.write(
      `GET /v1/audit/export${ending} HTTP/1.0\r\nAuthorization: Bearer ${gateway.adminKey}\r\n\r\n`,
    );
    let text = '';
    socket.on('data', (part) => (text += String(part)));
    const end = await new Promise<string | null>((resolve) => {
      socket.once('end', () => resolve(null));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
    expect(end).toBe(code);
    expect(text).toContain('line 1');
    expect(text.includes('line 2')).toBe(code === null);
  });

  it('ends the call of the service when it leaves', async () => {
    const waiting = new AbortController();
    const never = fetch(`${gateway.url}/v1/requests/never`, {
      headers: { authorization: `Bearer ${gateway.adminKey}` },
      signal: waiting.signal,
    });
    setTimeout(() => waiting.abort(), 200);
    await expect(never).rejects.toThrow(/abort/);
    await until(() => intake.seen.some(({ url }) => url === '/v1/requests/never'));
    const upload = send(`${gateway.url}/v1/requests/echo`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.adminKey}`, 'content-length': 1000 },
    });
    upload.on('error', () => undefined);
    upload.write('half');
    setTimeout(() => upload.destroy(), 200);
    await until(() => intake.seen.some(({ url, complete }) => url === '/v1/requests/echo' && !complete));
  });

  it('flows only as fast as the caller reads', async () => {
    const big = await startUpstream((_, response) => {
      response.writeHead(200);
      const chunk = Buffer.alloc(mebibyte);
      let left = 64;
      const more = (): void => {
        while (left-- > 0) if (!response.write(chunk)) return void response.once('drain', more);
        response.end();
      };
      more();
    });
    const own = await gateway.another({ INTAKE_URL: big.url });
    const before = process.memoryUsage().external;
    const got = await new Promise<IncomingMessage>((resolve) =>
      send(
        `http://127.0.0.1:${own.port}/v1/requests`,
        { headers: { authorization: `Bearer ${gateway.adminKey}` } },
        resolve,
      ).end(),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.memoryUsage().external - before).toBeLessThan(32 * mebibyte);
    let size = 0;
    for await (const part of got) size += (part as Buffer).length;
    expect(size).toBe(64 * mebibyte);
    await own.stop();
    await big.stop();
  });
});

describe('a stop', () => {
  it('waits for a call that runs, and for no connection that is merely open', async () => {
    const slow = await startUpstream(
      (_, response) => void setTimeout(() => response.end('{"done":true}'), 300),
    );
    const own = await gateway.another({ INTAKE_URL: slow.url });
    const unused = connect(own.port, '127.0.0.1');
    const closed = new Promise((resolve) => unused.once('close', resolve));
    unused.on('error', () => undefined);
    const running = call(`http://127.0.0.1:${own.port}`, gateway.adminKey, 'GET', '/v1/requests');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const start = Date.now();
    await own.stop();
    expect(Date.now() - start).toBeLessThan(2_000);
    expect((await running).body).toEqual({ done: true });
    await closed;
    await slow.stop();
  });
});

describe('limits', () => {
  it('tells every caller what is left, and refuses what is over the limit of the key', async () => {
    const own = await startGateway({ INTAKE_URL: intake.url, COUNTERSIGN_RATE_LIMIT: '5' });
    try {
      const codes: number[] = [];
      for (let n = 0; n < 8; n++) {
        const { status, headers, body } = await call(own.url, own.adminKey, 'GET', '/v1/requests');
        codes.push(status);
        expect(headers.get('ratelimit-policy')).toBe('"default";q=5;w=1');
        expect(headers.get('ratelimit')).toBe(`"default";r=${Math.max(0, 4 - n)};t=1`);
        if (status === 429) expect([body.code, headers.get('retry-after')]).toEqual(['rate_limited', '1']);
      }
      expect(codes).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const own2 = await call(own.url, own.adminKey, 'GET', '/v1/api-keys');
      expect([own2.status, own2.headers.get('ratelimit')]).toEqual([200, '"default";r=4;t=1']);
    } finally {
      await own.stop();
    }
  });

  it('stops an address that guesses keys, but no key that is known', async () => {
    const own = await startGateway({ INTAKE_URL: intake.url });
    try {
      await call(own.url, own.adminKey, 'GET', '/v1/requests');
      // The limit is one of a second, which a slow machine may not fill at the first try.
      const codes = new Set<number>();
      for (let round = 0; round < 10 && !codes.has(429); round++) {
        const guesses = await Promise.all(
          Array.from({ length: 300 }, (_, n) => call(own.url, `cs_live_guess-${n}`, 'GET', '/v1/requests')),
        );
        for (const { status } of guesses) codes.add(status);
      }
      expect(codes).toEqual(new Set([401, 429]));
      expect((await call(own.url, own.adminKey, 'GET', '/v1/requests')).status).toBe(200);
    } finally {
      await own.stop();
    }
  });
});
