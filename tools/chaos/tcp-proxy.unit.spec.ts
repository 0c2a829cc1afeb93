import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../servers/free-port.mjs';
import { TcpProxy, type TcpProxyOptions } from './tcp-proxy';

const commit = Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1');
const welcome = Buffer.from('R\0\0\0\x08\0\0\0\0', 'latin1');

const ends: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A peer that greets every connection and sends back whatever comes. */
const echoing = async (greeting: Buffer | string = ''): Promise<number> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (greeting.length > 0) socket.write(greeting);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
};

const proxyTo = async (options: TcpProxyOptions): Promise<TcpProxy> => {
  const proxy = await TcpProxy.start(options);
  ends.push(() => proxy.stop());
  return proxy;
};

/** A connection, and all that it was sent so far. */
const connected = async (port: number) => {
  const socket = connect({ port, host: '127.0.0.1' });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.on('error', () => undefined);
  ends.push(() => void socket.destroy());
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await once(socket, 'connect');
  const heard = () => Buffer.concat(chunks);
  const hears = async (length: number) => {
    while (heard().length < length && !socket.destroyed) await once(socket, 'data');
    return heard();
  };
  return { socket, closed, heard, hears };
};

describe('the proxy', () => {
  it('passes everything on, both ways', async () => {
    const proxy = await proxyTo({ to: [await echoing('hello ')] });
    const { socket, hears } = await connected(proxy.port);
    const much = Buffer.alloc(3_000_000, 'abc');
    socket.write(much);
    expect((await hears(much.length + 6)).equals(Buffer.concat([Buffer.from('hello '), much]))).toBe(true);
  });

  it('cuts every connection, and takes new ones after that', async () => {
    const proxy = await proxyTo({ to: [await echoing('hello')] });
    const [first, second] = [await connected(proxy.port), await connected(proxy.port)];
    await Promise.all([first.hears(5), second.hears(5)]);
    expect(proxy.cut()).toBe(2);
    await Promise.all([first.closed, second.closed]);
    expect(proxy.connections).toBe(0);
    expect((await (await connected(proxy.port)).hears(5)).toString()).toBe('hello');
  });

  it('is slow when it is told to be, and keeps the order', async () => {
    const proxy = await proxyTo({ to: [await echoing()] });
    const { socket, hears } = await connected(proxy.port);
    proxy.delayMs = 40;
    const before = performance.now();
    socket.write('a');
    await hears(1);
    // Once on the way there, once on the way back; timers may be a millisecond early.
    expect(performance.now() - before).toBeGreaterThan(75);
    for (const letter of 'bcd') {
      socket.write(letter);
      await pause(5);
    }
    proxy.delayMs = 0;
    socket.write('e');
    expect((await hears(5)).toString()).toBe('abcde');
  });

  it('takes one server after the other, and passes over one that is not there', async () => {
    const ports = [await echoing('1'), await freePort(), await echoing('3')];
    const proxy = await proxyTo({ to: ports });
    const greetings = [];
    for (let n = 0; n < 6; n++) greetings.push(String(await (await connected(proxy.port)).hears(1)));
    expect(greetings.filter((greeting) => greeting === '1').length).toBeGreaterThan(0);
    expect(greetings.filter((greeting) => greeting === '3').length).toBeGreaterThan(0);
    expect(greetings.join('')).toMatch(/^[13]{6}$/);
  });

  it('hangs up when no server is there', async () => {
    const proxy = await proxyTo({ to: [await freePort()] });
    const { closed, heard } = await connected(proxy.port);
    await closed;
    expect(heard()).toHaveLength(0);
  });

  it('hangs up on the one side when the other does', async () => {
    const proxy = await proxyTo({ to: [await echoing('hello')] });
    const { socket, hears } = await connected(proxy.port);
    await hears(5);
    socket.destroy();
    while (proxy.connections > 0) await pause(5);
  });

  it('swallows as many answers to COMMIT as it is told, each with its connection', async () => {
    const proxy = await proxyTo({ to: [await echoing(welcome)], postgres: true });
    proxy.dropCommitAnswers(2);
    for (let n = 0; n < 2; n++) {
      const { socket, closed, hears, heard } = await connected(proxy.port);
      await hears(welcome.length);
      socket.write(commit);
      await closed;
      expect(heard().includes('COMMIT')).toBe(false);
    }
    expect(proxy.dropped).toBe(2);
    const { socket, hears } = await connected(proxy.port);
    await hears(welcome.length);
    socket.write(commit);
    expect(await hears(welcome.length + commit.length)).toEqual(Buffer.concat([welcome, commit]));
  });

  it('leaves an answer to COMMIT alone once dropping was taken back', async () => {
    const proxy = await proxyTo({ to: [await echoing(welcome)], postgres: true });
    proxy.dropCommitAnswers(5);
    proxy.dropCommitAnswers(0);
    const { socket, hears } = await connected(proxy.port);
    await hears(welcome.length);
    socket.write(commit);
    await hears(welcome.length + commit.length);
    expect(proxy.dropped).toBe(0);
  });

  it('does not claim to know a COMMIT in another protocol', async () => {
    const proxy = await proxyTo({ to: [await echoing()] });
    expect(() => proxy.dropCommitAnswers(1)).toThrow('PostgreSQL');
  });
});
