import { randomUUID } from 'node:crypto';
import type { Database } from '@countersign/persistence';
import { readPage } from '../export/entry-page.rows';
import { SyslogConnection, usualPatience, type Patience } from './syslog-connection';
import { framed, syslogMessage } from './syslog-message';
import type { SyslogSettings } from './syslog.settings';
import { addStreams, advanceStreams, claimStreams, releaseStreams, sizesOf } from './stream.rows';

/** How long a connection is used, in milliseconds, and for how many entries: so much may come twice after a failure. */
const longestMs = 10_000;
const mostEntries = 20_000;
const mostWorkspaces = 16;

interface Session {
  connection: SyslogConnection;
  lease: string;
  endsAt: number;
  entries: number;
  /** Up to where each log has been sent on this connection. */
  next: Map<string, number>;
}

/**
 * Follows the logs and sends what they have, at least once: a position is stored when the connection that carried the
 * entries was closed well by the receiver, and what was sent on one that broke is sent again.
 */
export class SyslogStream {
  private session: Session | null = null;

  constructor(
    private readonly settings: SyslogSettings,
    private readonly database: Database,
    /** Of the role that sees every workspace. */
    private readonly sweeper: Database,
    private readonly sent: (entries: number) => void,
    private readonly patience: Patience = usualPatience,
  ) {}

  /** Sends what there is. True when it has not come to the end. Rejects when the receiver is away; then everything unsettled is to be sent again. */
  async advance(): Promise<boolean> {
    try {
      await this.sweeper.everywhere((sql) => addStreams(sql, this.settings.fromStart));
      const hasMore = await this.sendRound();
      if (this.session && (this.session.entries >= mostEntries || Date.now() >= this.session.endsAt))
        await this.settle();
      return hasMore;
    } catch (error) {
      await this.giveUp();
      throw error;
    }
  }

  /** Ends the connection; stores what has arrived. */
  async settle(): Promise<void> {
    const { session } = this;
    if (!session) return;
    this.session = null;
    try {
      await session.connection.settle();
    } catch (error) {
      await this.release(session);
      throw error;
    }
    const positions = [...session.next].map(([workspaceId, next]) => ({ workspaceId, next }));
    await this.sweeper.everywhere((sql) => advanceStreams(sql, session.lease, positions));
    this.sent(session.entries);
  }

  /** A page of each log that has more, so that a long one does not keep the others waiting. */
  private async sendRound(): Promise<boolean> {
    const held = this.session?.next ?? new Map<string, number>();
    const lease = this.session?.lease ?? randomUUID();
    const claimed = await this.sweeper.everywhere((sql) =>
      claimStreams(sql, { lease, workspaces: this.settings.workspaces, most: mostWorkspaces - held.size }),
    );
    const sizes = await this.sweeper.everywhere((sql) => sizesOf(sql, [...held.keys()]));
    const due = [
      ...[...held].map(([workspaceId, next]) => ({ workspaceId, next, size: sizes.get(workspaceId) ?? 0 })),
      ...claimed,
    ].filter(({ next, size }) => next < size);
    if (due.length === 0) return false;
    const session = (this.session ??= await this.begin(lease, claimed));
    for (const { workspaceId, next } of claimed) session.next.set(workspaceId, next);
    let hasMore = false;
    for (const { workspaceId, next, size } of due) {
      const page = await this.database.read(workspaceId, (sql) =>
        readPage(sql, workspaceId, { allowed: null }, { from: next, to: size }),
      );
      for (const entry of page.entries)
        await session.connection.write(framed(syslogMessage(workspaceId, entry, this.settings)));
      session.next.set(workspaceId, page.next);
      session.entries += page.entries.length;
      hasMore ||= page.next < size;
    }
    return hasMore;
  }

  private async begin(
    lease: string,
    claimed: readonly { workspaceId: string; next: number }[],
  ): Promise<Session> {
    const next = new Map(claimed.map((stream) => [stream.workspaceId, stream.next]));
    try {
      const connection = await SyslogConnection.open(this.settings, this.patience);
      return { connection, lease, endsAt: Date.now() + longestMs, entries: 0, next };
    } catch (error) {
      await this.sweeper.everywhere((sql) => releaseStreams(sql, lease));
      throw error;
    }
  }

  private async giveUp(): Promise<void> {
    const { session } = this;
    this.session = null;
    session?.connection.abandon();
    if (session) await this.release(session);
  }

  /** Where the database is away as well the lease runs out by itself. */
  private async release({ lease }: Session): Promise<void> {
    await this.sweeper.everywhere((sql) => releaseStreams(sql, lease)).catch(() => undefined);
  }
}
