import { randomUUID } from 'node:crypto';
import type { Database } from '@countersign/persistence';
import { readPage, type EntryPage } from '../export/entry-page.rows';
import { SyslogConnection, usualPatience, type Patience } from './syslog-connection';
import { framed, syslogMessage } from './syslog-message';
import type { SyslogSettings } from './syslog.settings';
import { addStreams, claimStreams, giveBack, sizesOf, type Backlog } from './stream.rows';

const mostWorkspaces = 16;

/** How much goes over one connection: that much may come twice after a failure. */
export interface Window {
  /** Entries of the first connection. */
  entries: number;
  /** What it may grow to. */
  mostEntries: number;
  /** How long a connection is used, in milliseconds. */
  useMs: number;
  /**
   * How long logs stay ours, in milliseconds: longer than to connect (10 s), use the connection (10 s), end the page that is just read (35 s) and
   * the write that is just waited for (20 s), and close (20 s).
   */
  leaseMs: number;
}

export const usualWindow: Window = { entries: 1_000, mostEntries: 20_000, useMs: 10_000, leaseMs: 120_000 };

/** What a connection has carried, of logs that are ours meanwhile. */
interface Session {
  lease: string;
  /** Null until something is to be sent. */
  connection: SyslogConnection | null;
  endsAt: number;
  entries: number;
  pruned: number;
  /** Up to where each log has been sent on this connection. */
  next: Map<string, number>;
}

export interface Arrived {
  entries: number;
  /** Entries that were gone before they could be sent. */
  pruned: number;
}

/**
 * Follows the logs and sends what they have, at least once: a position is stored when the connection that carried the
 * entries was closed well by the receiver, and what was sent on one that broke is sent again. How much goes over one connection follows
 * from what the receiver manages: half as much after one that broke, and more after one that was filled.
 */
export class SyslogStream {
  private session: Session | null = null;
  private entries: number;
  private growth = 2;

  constructor(
    private readonly settings: SyslogSettings,
    private readonly database: Database,
    /** Of the role that sees every workspace. */
    private readonly sweeper: Database,
    private readonly arrived: (what: Arrived) => void,
    private readonly patience: Patience = usualPatience,
    private readonly window: Window = usualWindow,
  ) {
    this.entries = window.entries;
  }

  /** Sends what there is. True when it has not come to the end. Rejects when the receiver is away; then everything unsettled is to be sent again. */
  async advance(): Promise<boolean> {
    try {
      await this.sweeper.everywhere((sql) => addStreams(sql, this.settings.fromStart));
      const hasMore = await this.sendRound();
      if (this.session && this.isFull(this.session)) await this.settle();
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
    try {
      await session.connection?.settle();
    } catch (error) {
      await this.giveUp();
      throw error;
    }
    this.session = null;
    await this.giveBack(session, true);
    if (session.entries >= this.entries)
      this.entries = Math.min(this.window.mostEntries, Math.ceil(this.entries * this.growth));
    this.arrived({ entries: session.entries, pruned: session.pruned });
  }

  /** A page of each log that has more, so that a long one does not keep the others waiting. */
  private async sendRound(): Promise<boolean> {
    const due = await this.findDue();
    const { session } = this;
    if (!session || due.length === 0) return false;
    if (!session.connection) {
      session.connection = await SyslogConnection.open(this.settings, this.patience);
      session.endsAt = Date.now() + this.window.useMs;
    }
    let hasMore = false;
    for (const backlog of due) {
      if (this.isFull(session)) return true;
      hasMore = (await this.sendPage(session, session.connection, backlog)) || hasMore;
    }
    return hasMore;
  }

  /** Logs that have more, of those that are ours and of those that nobody has, which are ours from now on. */
  private async findDue(): Promise<Backlog[]> {
    const lease = this.session?.lease ?? randomUUID();
    const held = [...(this.session?.next ?? [])];
    const { workspaces } = this.settings;
    const { leaseMs } = this.window;
    const ids = held.map(([workspaceId]) => workspaceId);
    const sizes = await this.sweeper.everywhere((sql) => sizesOf(sql, ids));
    const claimed = await this.sweeper.everywhere((sql) =>
      claimStreams(sql, { lease, leaseMs, workspaces, most: mostWorkspaces - held.length }),
    );
    if (claimed.length > 0) {
      this.session ??= { lease, connection: null, endsAt: Infinity, entries: 0, pruned: 0, next: new Map() };
      for (const { workspaceId, next } of claimed) this.session.next.set(workspaceId, next);
    }
    return [
      ...held.map(([workspaceId, next]) => ({ workspaceId, next, size: sizes.get(workspaceId) ?? 0 })),
      ...claimed,
    ].filter(({ next, size }) => next < size);
  }

  /** Stops in the middle when the session is full. Answers whether the log has more. */
  private async sendPage(
    session: Session,
    connection: SyslogConnection,
    { workspaceId, next, size }: Backlog,
  ): Promise<boolean> {
    const page = await this.readLeft(workspaceId, next, size);
    if (page.first > next) {
      session.pruned += page.first - next;
      session.next.set(workspaceId, page.first);
    }
    for (const entry of page.entries) {
      if (this.isFull(session)) return true;
      await connection.write(framed(syslogMessage(workspaceId, entry, this.settings)));
      session.next.set(workspaceId, entry.index + 1);
      session.entries += 1;
    }
    session.next.set(workspaceId, page.next);
    return page.next < size;
  }

  /** The next page of what has not been pruned. */
  private async readLeft(workspaceId: string, from: number, to: number): Promise<EntryPage> {
    for (let start = from; ;) {
      const page = await readPage(this.database, workspaceId, { allowed: null }, { from: start, to });
      if (page.first <= start) return page;
      start = page.first;
    }
  }

  private isFull({ entries, endsAt }: Session): boolean {
    return entries >= this.entries || Date.now() >= endsAt;
  }

  /** Nothing is known to have arrived: whoever comes next sends it again. */
  private async giveUp(): Promise<void> {
    const { session } = this;
    if (!session) return;
    this.session = null;
    session.connection?.abandon();
    // A receiver that is not there at all says nothing about how much it can take.
    if (session.entries > 0) {
      this.entries = Math.max(1, Math.floor(session.entries / 2));
      // Gently from now on: what is too much comes twice.
      this.growth = 1.1;
    }
    // Where the database is away as well the lease runs out by itself.
    await this.giveBack(session, false).catch(() => undefined);
  }

  private async giveBack({ lease, next }: Session, hasArrived: boolean): Promise<void> {
    const positions = [...next].map(([workspaceId, index]) => ({ workspaceId, next: index }));
    await this.sweeper.everywhere((sql) => giveBack(sql, lease, positions, hasArrived));
  }
}
