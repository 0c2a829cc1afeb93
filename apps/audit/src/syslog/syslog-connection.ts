import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { SyslogSettings } from './syslog.settings';

/** For connecting, for taking what is sent, and for closing, in milliseconds each. */
export interface Patience {
  connectMs: number;
  drainMs: number;
  closeMs: number;
}

export const usualPatience: Patience = { connectMs: 10_000, drainMs: 20_000, closeMs: 20_000 };

/**
 * One connection to a receiver. Syslog has no acknowledgement: that a write succeeds says only that the kernel has it. What does tell is
 * the end. Ours is sent, the receiver reads up to it and closes in turn; had it left anything unread, the connection would be reset
 * (RFC 9293 §3.6.1, RFC 5425 §4.4). So `settle` is what says that everything has arrived.
 */
export class SyslogConnection {
  private failure: Error | null = null;
  private ended = false;
  private readonly waiting = new Set<() => void>();

  private constructor(
    private readonly socket: Socket,
    private readonly patience: Patience,
  ) {
    const fail = (error: Error) => {
      this.failure ??= error;
      socket.destroy();
      this.wake();
    };
    socket.on('error', fail);
    socket.on('end', () => {
      if (socket.writableEnded) this.ended = true;
      else fail(new Error('the receiver has hung up'));
      this.wake();
    });
    socket.on('close', () => {
      if (!this.ended) fail(new Error('the connection has broken'));
    });
    socket.on('drain', () => this.wake());
    // Receivers have nothing to say.
    socket.resume();
  }

  /** Rejects when there is no connection in time, or the receiver is not whom its certificate must name. */
  static open(
    { host, port, tls }: SyslogSettings,
    patience: Patience = usualPatience,
  ): Promise<SyslogConnection> {
    return new Promise((resolve, reject) => {
      const socket: Socket = tls
        ? connectTls({ host, port, ...tls, minVersion: 'TLSv1.2' })
        : connectTcp({ host, port, keepAlive: true, keepAliveInitialDelay: 10_000 });
      const late = setTimeout(() => socket.destroy(new Error('no connection in time')), patience.connectMs);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed while connecting')));
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        clearTimeout(late);
        socket.off('error', reject);
        resolve(new SyslogConnection(socket, patience));
      });
      socket.once('close', () => clearTimeout(late));
    });
  }

  /** Settles when there is room for more. */
  async write(bytes: Buffer): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.socket.write(bytes)) return;
    await this.until(
      () => !this.socket.writableNeedDrain,
      this.patience.drainMs,
      'the receiver takes nothing',
    );
  }

  /** Ends the connection; settles when the receiver has read everything, and rejects when that is not known. */
  async settle(): Promise<void> {
    if (this.failure) throw this.failure;
    this.socket.end();
    try {
      await this.until(() => this.ended, this.patience.closeMs, 'the receiver does not close');
    } finally {
      this.socket.destroy();
    }
  }

  /** What the receiver has not got yet it shall not get over this connection. */
  abandon(): void {
    this.failure ??= new Error('abandoned');
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  private async until(isSo: () => boolean, ms: number, otherwise: string): Promise<void> {
    const deadline = Date.now() + ms;
    for (;;) {
      if (this.failure) throw this.failure;
      if (isSo()) return;
      const left = deadline - Date.now();
      if (left <= 0) {
        this.abandon();
        throw new Error(otherwise);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const { waiting } = this;
        function done() {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  private wake(): void {
    for (const done of [...this.waiting]) done();
  }
}
