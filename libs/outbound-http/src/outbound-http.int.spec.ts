import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import getTlsOptions from 'smtp-server/lib/tls-options';
import { createOutboundHttp, type OutboundHttp, type OutboundRequest } from './outbound-http';

const LOOPBACK = '127.0.0.0/8,::1/128';
const closing: (() => Promise<unknown>)[] = [];
let http: OutboundHttp;

beforeEach(() => {
  http = createOutboundHttp({ allow: LOOPBACK });
});
afterEach(async () => {
  await http.close();
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function listen(server: TcpServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  return { url: `http://127.0.0.1:${await listen(server)}/hook`, server };
}

/** A server that answers the first bytes of any connection with these. */
async function answering(bytes: string): Promise<string> {
  const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.end(bytes))));
  return `http://127.0.0.1:${port}/`;
}

async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const post = (url: string, more: Partial<OutboundRequest> = {}) =>
  http.post({ url, headers: {}, body: '{}', timeoutMs: 5_000, maxResponseBytes: 1024, ...more });

describe('a response', () => {
  it('is given with status, headers and body, and the server gets what was sent', async () => {
    const seen: unknown[] = [];
    const { url } = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const { method, headers } = request;
          seen.push([
            method,
            request.url,
            headers['webhook-id'],
            headers['user-agent'],
            Buffer.concat(chunks).toString(),
          ]);
          response.writeHead(201, { 'X-One': ['a', 'b'], 'Retry-After': '7' }).end('created');
        });
    });
    const result = await post(`${url}?x=1#part`, { headers: { 'Webhook-Id': 'e1' }, body: '{"ü":1}' });
    expect(seen).toEqual([['POST', '/hook?x=1', 'e1', 'Countersign', '{"ü":1}']]);
    expect(result).toMatchObject({
      kind: 'response',
      status: 201,
      headers: { 'x-one': 'a, b', 'retry-after': '7' },
      body: Buffer.from('created'),
      truncated: false,
      latencyMs: expect.any(Number),
    });
  });

  it('comes by name too, when every address of the name is allowed', async () => {
    const { url } = await serve((_, response) => response.end('here'));
    expect(await post(url.replace('127.0.0.1', 'localhost'))).toMatchObject({
      kind: 'response',
      status: 200,
    });
  });

  it.each([301, 302, 307, 308])('of %d is not followed', async (status) => {
    let calls = 0;
    const { url } = await serve((_, response) => {
      calls += 1;
      response.writeHead(status, { location: '/elsewhere' }).end();
    });
    expect(await post(url)).toMatchObject({ kind: 'response', status, headers: { location: '/elsewhere' } });
    expect(calls).toBe(1);
  });

  it('is cut at the limit and the rest is not read', async () => {
    let sent = 0;
    let closed = false;
    const { url } = await serve((_, response) => {
      response.on('close', () => (closed = true));
      const write = () => {
        while (!closed && response.write(Buffer.alloc(64 * 1024, 'x'))) sent += 64 * 1024;
        if (!closed) response.once('drain', write);
      };
      write();
    });
    const result = await post(url, { maxResponseBytes: 1000 });
    expect(result).toMatchObject({ kind: 'response', status: 200, truncated: true });
    expect(result.kind === 'response' && result.body.toString()).toBe('x'.repeat(1000));
    await sleep(100);
    expect(closed).toBe(true);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it('of exactly the limit is complete', async () => {
    const { url } = await serve((_, response) => response.end('x'.repeat(1000)));
    const result = await post(url, { maxResponseBytes: 1000 });
    expect(result.kind === 'response' && [result.body.length, result.truncated]).toEqual([1000, false]);
  });

  it('may be preceded by interim ones', async () => {
    const { url } = await serve((_, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      response.end('done');
    });
    expect(await post(url)).toMatchObject({ kind: 'response', status: 200, body: Buffer.from('done') });
  });
});

describe('the timeout', () => {
  it('covers headers that never come', async () => {
    const { url } = await serve(() => undefined);
    const result = await post(url, { timeoutMs: 150 });
    expect(result).toMatchObject({ kind: 'failed', reason: 'timeout' });
    expect(result.kind === 'failed' && result.latencyMs).toBeGreaterThanOrEqual(140);
    expect(result.kind === 'failed' && result.latencyMs).toBeLessThan(1_500);
  });

  it('covers headers that come a byte at a time', async () => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
        const timer = setInterval(() => socket.write('a'), 10);
        socket.on('close', () => clearInterval(timer));
      }),
    );
    expect(await post(`http://127.0.0.1:${port}/`, { timeoutMs: 150 })).toMatchObject({
      kind: 'failed',
      reason: 'timeout',
    });
  });

  it('covers a body that never ends', async () => {
    const { url } = await serve((_, response) => {
      const timer = setInterval(() => response.write('.'), 10);
      response.on('close', () => clearInterval(timer));
    });
    const result = await post(url, { timeoutMs: 150, maxResponseBytes: 1_000_000 });
    expect(result).toMatchObject({ kind: 'failed', reason: 'timeout', status: 200 });
  });

  it('covers the wait for a free connection', async () => {
    const { url } = await serve(() => undefined);
    const results = await Promise.all(Array.from({ length: 20 }, () => post(url, { timeoutMs: 200 })));
    expect(results.every((result) => result.kind === 'failed' && result.reason === 'timeout')).toBe(true);
  });
});

describe('a failure', () => {
  it('is connect when nobody listens', async () => {
    const result = await post(`http://127.0.0.1:${await closedPort()}/`);
    expect(result).toMatchObject({
      kind: 'failed',
      reason: 'connect',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('is reset when the connection ends before a response', async () => {
    const { url } = await serve((request) => request.socket.resetAndDestroy());
    expect(await post(url)).toMatchObject({ kind: 'failed', reason: 'reset' });
    expect(await post(await answering(''))).toMatchObject({ kind: 'failed', reason: 'reset' });
  });

  it('is reset when the connection ends inside a body', async () => {
    const { url } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => request.socket.resetAndDestroy());
    });
    expect(await post(url)).toMatchObject({ kind: 'failed', reason: 'reset', status: 200 });
  });

  it.each([
    ['another protocol', '220 mail.example.com ESMTP\r\n'],
    ['an HTTP version without meaning', 'HTTP/9.9 200 OK\r\n\r\n'],
    [
      'a contradictory length',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['headers beyond 16 KiB', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
  ])('is protocol for %s', async (_, bytes) => {
    expect(await post(await answering(bytes))).toMatchObject({ kind: 'failed', reason: 'protocol' });
  });

  it('is tls when the server does not speak it', async () => {
    const { url } = await serve((_, response) => response.end());
    expect(await post(url.replace('http:', 'https:'))).toMatchObject({ kind: 'failed', reason: 'tls' });
  });

  it('is tls when the certificate is not trusted, and nothing is sent', async () => {
    let calls = 0;
    const server = createTlsServer(getTlsOptions(), (_, response) => {
      calls += 1;
      response.end();
    });
    const result = await post(`https://127.0.0.1:${await listen(server)}/`);
    expect(result).toMatchObject({
      kind: 'failed',
      reason: 'tls',
      detail: expect.stringContaining('certificate'),
    });
    expect(calls).toBe(0);
  });

  it('is aborted when the caller gives up, before or during the call', async () => {
    const { url } = await serve(() => undefined);
    expect(await post(url, { signal: AbortSignal.abort() })).toMatchObject({
      kind: 'failed',
      reason: 'aborted',
    });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    expect(await post(url, { signal: controller.signal })).toMatchObject({
      kind: 'failed',
      reason: 'aborted',
    });
  });

  it('leaves the client usable', async () => {
    let calls = 0;
    const { url } = await serve((request, response) => {
      calls += 1;
      if (calls % 2) request.socket.destroy();
      else response.end('ok');
    });
    const kinds = [];
    for (let call = 0; call < 6; call++) kinds.push((await post(url)).kind);
    expect(kinds).toEqual(['failed', 'response', 'failed', 'response', 'failed', 'response']);
  });
});

describe('a refusal', () => {
  it('keeps calls from everything that is not allowed', async () => {
    let calls = 0;
    const { url } = await serve((_, response) => {
      calls += 1;
      response.end();
    });
    const strict = createOutboundHttp({ allow: '' });
    const call = { headers: {}, body: '', timeoutMs: 1_000, maxResponseBytes: 10 };
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]']) {
      const result = await strict.post({ url: url.replace('127.0.0.1', host), ...call });
      expect(result).toMatchObject({ kind: 'refused', reason: 'address_not_allowed' });
    }
    expect(calls).toBe(0);
    await strict.close();
  });

  it('answers a header that HTTP cannot carry', async () => {
    const { url } = await serve((_, response) => response.end());
    const result = await post(url, { headers: { x: 'a\r\ny: b' } });
    expect(result).toMatchObject({ kind: 'refused', reason: 'invalid_request' });
  });
});

describe('many calls', () => {
  it('share at most eight connections to an origin', async () => {
    let open = 0;
    let most = 0;
    const { url, server } = await serve((_, response) => setTimeout(() => response.end('ok'), 5));
    server.on('connection', (socket) => {
      open += 1;
      most = Math.max(most, open);
      socket.on('close', () => (open -= 1));
    });
    const results = await Promise.all(Array.from({ length: 300 }, () => post(url)));
    expect(results.every((result) => result.kind === 'response' && result.status === 200)).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  it('keep a connection for the next call', async () => {
    let connections = 0;
    const { url, server } = await serve((_, response) => response.end('ok'));
    server.on('connection', () => (connections += 1));
    for (let call = 0; call < 10; call++) await post(url);
    // The next call may come before the first connection is idle again.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('to a silent origin do not delay another', async () => {
    const silent = await serve(() => undefined);
    const lively = await serve((_, response) => response.end('ok'));
    const stuck = Array.from({ length: 50 }, () => post(silent.url, { timeoutMs: 1_000 }));
    const result = await post(lively.url);
    expect(result).toMatchObject({ kind: 'response' });
    expect(result.kind === 'response' && result.latencyMs).toBeLessThan(500);
    await Promise.all(stuck);
  });

  it('to one dead origin all end', async () => {
    const url = `http://127.0.0.1:${await closedPort()}/`;
    const results = await Promise.all(Array.from({ length: 50 }, () => post(url)));
    expect(results.every((result) => result.kind === 'failed' && result.reason === 'connect')).toBe(true);
  });
});

describe('close', () => {
  it('lets running calls end and takes no more', async () => {
    const { url } = await serve((_, response) => setTimeout(() => response.end('late'), 100));
    const own = createOutboundHttp({ allow: LOOPBACK });
    const call = { url, headers: {}, body: '', timeoutMs: 2_000, maxResponseBytes: 10 };
    const running = own.post(call);
    await own.close();
    expect(await running).toMatchObject({ kind: 'response', body: Buffer.from('late') });
    expect(await own.post(call)).toMatchObject({ kind: 'failed', reason: 'aborted' });
  });
});
