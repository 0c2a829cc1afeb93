import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedCall {
  at: number;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface WebhookReceiver {
  url: string;
  calls: ReceivedCall[];
  close(): Promise<void>;
}

/** A subscriber's server. `answer` decides what it says; by default 204. */
export const startReceiver = async (
  answer: (response: ServerResponse, call: ReceivedCall, index: number) => void = (response) =>
    response.writeHead(204).end(),
): Promise<WebhookReceiver> => {
  const calls: ReceivedCall[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call = {
        at: Date.now(),
        path: request.url ?? '',
        headers: request.headers,
        text: Buffer.concat(chunks).toString('utf8'),
      };
      calls.push(call);
      answer(response, call, calls.length - 1);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    calls,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};
