import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { CommitAnswers } from './commit-answers';

const loopback = '127.0.0.1';

export interface TcpProxyOptions {
  /** Ports of the loopback interface, for one new connection after another; one that refuses is passed over. */
  to: readonly number[];
  /** Reads what the servers say as PostgreSQL's protocol: needed to drop answers to COMMIT. */
  postgres?: boolean;
}

/** Passes TCP connections on, and may be told to cut them, to slow them down, or to swallow what a client needs to know. */
export class TcpProxy {
  /** How long each piece is kept before it goes on, either way, in milliseconds. */
  delayMs = 0;
  /** Answers to COMMIT that have been swallowed so far. */
  dropped = 0;
  private toDrop = 0;
  private turn = 0;
  private readonly pairs = new Set<readonly [client: Socket, server: Socket]>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly options: TcpProxyOptions,
  ) {}

  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    server.listen(0, loopback);
    await once(server, 'listening');
    const proxy = new TcpProxy(server, (server.address() as AddressInfo).port, options);
    server.on('connection', (client) => {
      client.on('error', () => undefined);
      proxy.take(client, options.to.length);
    });
    return proxy;
  }

  get connections(): number {
    return this.pairs.size;
  }

  /** Ends every connection without a farewell, and says how many there were. */
  cut(): number {
    const pairs = [...this.pairs];
    for (const [client, server] of pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    return pairs.length;
  }

  /**
   * Instead of the next answers to COMMIT the client gets a broken connection: what it did is committed, and it cannot
   * know. Zero takes back what has not been dropped yet.
   */
  dropCommitAnswers(count: number): void {
    if (!this.options.postgres) throw new Error('only a proxy to PostgreSQL knows what a COMMIT is');
    this.toDrop = count;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }

  private take(client: Socket, chances: number): void {
    const { to } = this.options;
    const port = to[this.turn++ % to.length];
    if (port === undefined || client.destroyed) return void client.destroy();
    const server = connect({ port, host: loopback, noDelay: true });
    const pair = [client, server] as const;
    this.pairs.add(pair);
    const refused = () => {
      this.pairs.delete(pair);
      if (chances > 1) this.take(client, chances - 1);
      else client.destroy();
    };
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused).on('error', () => undefined);
      const end = () => {
        this.pairs.delete(pair);
        client.destroy();
        server.destroy();
      };
      if (client.destroyed) return end();
      pipeline(client, this.slowed(), server, () => undefined);
      if (this.options.postgres) pipeline(server, this.swallowing(pair), this.slowed(), client, end);
      else pipeline(server, this.slowed(), client, end);
      client.once('close', end);
    });
  }

  private slowed(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _, done) => {
        if (this.delayMs > 0) setTimeout(done, this.delayMs, null, chunk);
        else done(null, chunk);
      },
    });
  }

  private swallowing(pair: readonly [Socket, Socket]): Transform {
    const answers = new CommitAnswers();
    const dropsNext = () => this.toDrop > 0;
    const swallow = () => {
      this.toDrop--;
      this.dropped++;
      for (const socket of pair) socket.resetAndDestroy();
    };
    return new Transform({
      transform(chunk: Buffer, _, done) {
        try {
          for (const { bytes, isCommit } of answers.split(chunk)) {
            if (isCommit && dropsNext()) return swallow();
            this.push(bytes);
          }
          done();
        } catch (error) {
          done(error as Error);
        }
      },
    });
  }
}
