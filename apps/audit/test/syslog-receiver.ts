import { once } from 'node:events';
import { createServer as createTcp, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import { parseSyslog, type SyslogMessage } from './parse-syslog';

export interface SyslogReceiver {
  url: string;
  /** What came whole, in order, over all connections. */
  messages: SyslogMessage[];
  /** Connections so far. */
  connections: number;
  /** The same messages, by connection. */
  byConnection: SyslogMessage[][];
  /** Resets every connection, whatever is on its way. */
  strike(): void;
  /** Reads nothing any more, until told otherwise. */
  hold(isHeld: boolean): void;
  /** Rests this long after each 64 KiB, on each connection from now on. */
  slowDown(ms: number): void;
  stop(): Promise<void>;
}

/** A receiver by RFC 5425 and RFC 6587 (octet counting) that takes nothing but RFC 5424, and closes when the sender does. */
export const receiveSyslog = async (tls: TlsOptions | null = null, port = 0): Promise<SyslogReceiver> => {
  const open = new Set<Socket>();
  let isHeld = false;
  let restMs = 0;
  const receiver = {
    messages: [] as SyslogMessage[],
    connections: 0,
    byConnection: [] as SyslogMessage[][],
  };
  const onConnection = (socket: Socket) => {
    receiver.connections += 1;
    const own: SyslogMessage[] = [];
    receiver.byConnection.push(own);
    open.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    socket.on('data', (part) => {
      rest = Buffer.concat([rest, part as Buffer]);
      if (restMs > 0) {
        socket.pause();
        setTimeout(() => socket.resume(), restMs);
      }
      for (;;) {
        const space = rest.indexOf(0x20);
        if (space < 0) return;
        const length = rest.toString('ascii', 0, space);
        if (!/^[1-9]\d*$/.test(length)) return void socket.destroy(new Error(`not a length: ${length}`));
        const end = space + 1 + Number(length);
        if (rest.length < end) return;
        const message = parseSyslog(rest.subarray(space + 1, end));
        receiver.messages.push(message);
        own.push(message);
        rest = rest.subarray(end);
      }
    });
    if (isHeld) socket.pause();
  };
  const server: Server = tls ? createTls(tls, onConnection) : createTcp(onConnection);
  server.on('tlsClientError', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const strike = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return Object.assign(receiver, {
    url: `${tls ? 'tls' : 'tcp'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strike,
    hold(value: boolean) {
      isHeld = value;
      for (const socket of open)
        if (value) socket.pause();
        else socket.resume();
    },
    slowDown(ms: number) {
      restMs = ms;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
};
