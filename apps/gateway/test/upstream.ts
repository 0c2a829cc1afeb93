import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** False when the caller left before the body was complete. */
  complete: boolean;
}

export interface TestUpstream {
  url: string;
  seen: Seen[];
  stop(): Promise<void>;
}

/** A service behind the gateway that remembers what came and answers as told; ready by default. */
export const startUpstream = async (answer: RequestListener): Promise<TestUpstream> => {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/readyz') return void response.end('{}');
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('close', () =>
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
        complete: request.complete,
      }),
    );
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
