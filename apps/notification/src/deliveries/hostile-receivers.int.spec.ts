import { createServer as createTlsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until, type TestService } from '@countersign/service-kit/test';
import getTlsOptions from 'smtp-server/lib/tls-options';
import { createNotification } from '../../test/create-notification';
import { RequestStory } from '../../test/transitions';
import { startReceiver } from '../../test/webhook-receiver';

let service: TestService;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  service = await createNotification({ COUNTERSIGN_WEBHOOK_RETRY: 'PT1H' });
});
afterAll(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await service.stop();
});

const listen = async (server: Server): Promise<number> => {
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
};

/** A server that does this with every connection once something has come. */
const hostile = async (meet: (socket: Socket) => void): Promise<string> =>
  `http://127.0.0.1:${await listen(createServer((socket) => socket.once('data', () => meet(socket))))}/`;

const every = (ms: number, socket: Socket, write: () => void): void => {
  const timer = setInterval(write, ms);
  socket.on('close', () => clearInterval(timer));
};

const head = 'HTTP/1.1 200 OK\r\n';
const endless = (socket: Socket): void => {
  const block = 'x'.repeat(16_384);
  const more = (): void => {
    while (!socket.destroyed && socket.write(`4000\r\n${block}\r\n`));
    if (!socket.destroyed) socket.once('drain', more);
  };
  socket.write(`${head}transfer-encoding: chunked\r\n\r\n`);
  more();
};

/** What a receiver does, and what its delivery says of the attempt. */
const receivers: Record<string, [() => Promise<string>, status: number | null, error: RegExp]> = {
  'sends its headers a byte at a time': [
    () =>
      hostile((socket) => {
        const bytes = `${head}x-slow: ${'y'.repeat(10_000)}`;
        let sent = 0;
        every(200, socket, () => socket.write(bytes[sent++] ?? 'y'));
      }),
    null,
    /^timeout: /,
  ],
  'never says anything': [() => hostile(() => undefined), null, /^timeout: /],
  'sends its body a byte at a time': [
    () =>
      hostile((socket) => {
        socket.write(`${head}content-length: 1000\r\n\r\n`);
        every(200, socket, () => socket.write('z'));
      }),
    200,
    /^timeout: /,
  ],
  'ends before the length that it promised': [
    () => hostile((socket) => socket.end(`${head}content-length: 1000\r\n\r\nshort`)),
    200,
    /^reset: /,
  ],
  'promises two lengths': [
    () => hostile((socket) => socket.end(`${head}content-length: 2\r\ncontent-length: 5\r\n\r\nhello`)),
    null,
    /^protocol: /,
  ],
  'resets the connection in the middle of its answer': [
    () =>
      hostile((socket) => {
        socket.write(`${head}content-length: 1000\r\n\r\nhalf`, () =>
          setTimeout(() => socket.resetAndDestroy(), 50),
        );
      }),
    200,
    /^reset: /,
  ],
  'has huge headers': [
    () => hostile((socket) => socket.end(`${head}x-huge: ${'h'.repeat(100_000)}\r\n\r\n`)),
    null,
    /^protocol: /,
  ],
  'has no end of headers': [
    () =>
      hostile((socket) => {
        socket.write(head);
        every(1, socket, () => socket.write(`x-${'n'.repeat(50)}: 1\r\n`));
      }),
    null,
    /^protocol: /,
  ],
  'speaks something else': [
    () => hostile((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
    null,
    /^protocol: /,
  ],
  'sends it elsewhere': [
    () =>
      hostile((socket) =>
        socket.end('HTTP/1.1 307 Away\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n'),
      ),
    307,
    /redirects are not followed$/,
  ],
  'shows a certificate that nobody vouches for': [
    async () =>
      `https://127.0.0.1:${await listen(createTlsServer(getTlsOptions(), (_, response) => response.end()))}/`,
    null,
    /^tls: .*certificate/,
  ],
  'does not speak TLS': [
    async () => (await hostile((socket) => socket.end(`${head}\r\n`))).replace('http:', 'https:'),
    null,
    /^tls: /,
  ],
};

interface Shown {
  state: string;
  attempts: { status: number | null; error: string | null; response: string | null }[];
}

describe('hostile receivers', () => {
  it('each cost one failed attempt that says why, in the time of a call, and delay nobody', async () => {
    const subscribe = async (url: string): Promise<string> => {
      const { body } = await service.call('POST', '/v1/webhook-endpoints', {
        url,
        events: ['request.created'],
        format: 'standard',
      });
      return body.id as string;
    };
    const ids = new Map<string, string>();
    for (const [name, [start]] of Object.entries(receivers)) ids.set(name, await subscribe(await start()));
    // One that answers 200 and never ends: its first 16 KiB are an answer.
    const endlessId = await subscribe(await hostile(endless));
    const fine = await startReceiver();
    closing.push(() => fine.close());
    await subscribe(fine.url);
    const finished: string[] = [];
    await service.send(new RequestStory(service.workspaceId).created());
    const shown = async (id: string): Promise<Shown | undefined> =>
      (await service.get(`/v1/webhook-endpoints/${id}/deliveries`)).body.data[0] as Shown | undefined;
    const attempted = (name: string, id: string) =>
      until(async () => {
        const delivery = await shown(id);
        return delivery && delivery.attempts.length > 0 && finished.push(name) > 0 && delivery;
      }, 60_000);
    const [, ended, ...others] = await Promise.all([
      until(() => fine.calls.length === 1 && finished.push('fine') > 0, 60_000),
      attempted('endless', endlessId),
      ...[...ids].map(([name, id]) => attempted(name, id)),
    ]);
    expect(finished.indexOf('fine')).toBeLessThan(finished.indexOf('never says anything'));
    expect(ended).toMatchObject({ state: 'succeeded', attempts: [{ status: 200, error: null }] });
    for (const [index, name] of [...ids.keys()].entries()) {
      const [, status, error] = receivers[name]!;
      const { state, attempts } = others[index]!;
      expect([name, state, attempts.length, attempts[0]?.status]).toEqual([name, 'pending', 1, status]);
      expect([name, attempts[0]?.error]).toEqual([name, expect.stringMatching(error)]);
    }
    // And the service goes on.
    await service.send(new RequestStory(service.workspaceId).created());
    await until(() => fine.calls.length === 2, 30_000);
  }, 120_000);
});
