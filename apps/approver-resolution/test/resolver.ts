import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  at: number;
  headers: Record<string, string>;
  text: string;
}

/** A resolver that answers as a test tells it to. */
export class Resolver {
  readonly received: Received[] = [];
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(
    answer: (response: ServerResponse, nth: number, request: IncomingMessage) => void,
  ): Promise<Resolver> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        resolver.received.push({
          at: Date.now(),
          headers: request.headers as Record<string, string>,
          text: Buffer.concat(chunks).toString('utf8'),
        });
        answer(response, resolver.received.length, request);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const resolver = new Resolver(
      server,
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/approvers?token=hidden`,
    );
    return resolver;
  }

  get shown(): string {
    return this.url.replace(/\?.*/, '');
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

/** Answers with a JSON value. */
export const json = (value: unknown) => (response: ServerResponse) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
};
