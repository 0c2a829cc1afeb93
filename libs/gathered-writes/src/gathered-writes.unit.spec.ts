import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type Server } from 'node:net';
import { gatherWrites } from './gathered-writes';

/** A socket that counts how often it hands bytes to the operating system, and what has arrived at the other end. */
const connect = async (server: Server, when: 'before' | 'after') => {
  const sent: number[] = [];
  const socket = new Socket();
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  if (when === 'before') gatherWrites(socket);
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  if (when === 'after') gatherWrites(socket);
  const { _write: one, _writev: many } = socket;
  socket._write = (chunk, encoding, done) => {
    sent.push(1);
    one.call(socket, chunk, encoding, done);
  };
  socket._writev = (chunks, done) => {
    sent.push(chunks.length);
    many?.call(socket, chunks, done);
  };
  const [other] = await accepted;
  let arrived = '';
  other.on('data', (chunk) => (arrived += String(chunk)));
  return { socket, sent, arrived: () => arrived };
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gathered writes', () => {
  let server: Server;
  beforeEach(async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => server.close());

  it.each(['before', 'after'] as const)(
    'leave as one, in their order, gathered from %s the connection on',
    async (when) => {
      const { socket, sent, arrived } = await connect(server, when);
      socket.write('a');
      await Promise.resolve().then(() => socket.write('b'));
      socket.cork();
      socket.write('c');
      socket.uncork();
      expect(sent).toEqual([]);
      await turn();
      expect(sent).toEqual([3]);
      socket.write('d');
      await turn();
      expect(sent).toEqual([3, 1]);
      socket.end();
      await once(socket, 'close');
      expect(arrived()).toBe('abcd');
    },
  );
});
