import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { eventually } from './eventually';

export interface RecordedCall {
  at: number;
  method: string;
  headers: Record<string, string>;
  /** As it came, for signatures. */
  text: string;
  /** What was answered; null while, or because, nothing is. */
  status: number | null;
}

export interface Reply {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds before the answer. */
  afterMs?: number;
  /** Never answers, and keeps the connection open. */
  hang?: true;
}

/** Answers the nth call (from 1) to one path. */
export type Behaviour = (call: RecordedCall, nth: number) => Reply;

const fine: Behaviour = () => ({ status: 204 });

/**
 * Somebody else's server on the loopback interface: a subscriber or an approver resolver. It records every call by
 * path, and answers 204 unless it is told how to behave.
 */
export class RecordingServer {
  private readonly calls = new Map<string, RecordedCall[]>();
  private readonly behaviours = new Map<string, Behaviour>();

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<RecordingServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const recording = new RecordingServer(server, `http://127.0.0.1:${port}`);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      recording.answer(request, response).catch(() => response.destroy());
    });
    return recording;
  }

  url(path: string): string {
    return `${this.origin}${path}`;
  }

  behave(path: string, behaviour: Behaviour): void {
    this.behaviours.set(path, behaviour);
  }

  to(path: string): readonly RecordedCall[] {
    return this.calls.get(path) ?? [];
  }

  /** Waits until a path has had so many calls, and gives those. */
  async untilCalls(path: string, count: number, withinMs?: number): Promise<readonly RecordedCall[]> {
    await eventually(`${count} calls to ${path}`, () => this.to(path).length >= count, {
      ...(withinMs ? { withinMs } : {}),
      describe: () => `there were ${this.to(path).length}`,
    });
    return this.to(path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '/';
    const call: RecordedCall = {
      at: Date.now(),
      method: request.method ?? '',
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      text: Buffer.concat(chunks).toString('utf8'),
      status: null,
    };
    const calls = this.calls.get(path) ?? [];
    calls.push(call);
    this.calls.set(path, calls);
    const reply = (this.behaviours.get(path) ?? fine)(call, calls.length);
    if (reply.hang) return;
    if (reply.afterMs) await new Promise((resolve) => setTimeout(resolve, reply.afterMs));
    call.status = reply.status ?? 200;
    response.writeHead(call.status, reply.headers).end(reply.body);
  }
}

/** A JSON answer. */
export const json = (value: unknown): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

/** The body of a call, if its Standard Webhooks signature by this secret holds; throws if it does not. */
export function verified<Body>({ text, headers }: RecordedCall, secret: string): Body {
  return new Webhook(secret).verify(text, headers) as Body;
}

export const webhookId = ({ headers }: RecordedCall): string => headers['webhook-id'] ?? '';
