import { DueSweeper } from '@countersign/due-sweeper';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { readerOf } from '@countersign/reader';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { v7 } from 'uuid';
import type { Audience } from '../audience/audience';
import { readAudience } from '../audience/read-audience';
import { Clock } from '../clock';
import {
  findHolders,
  gatherMails,
  lockHeldMails,
  nextHeldMs,
  releaseMails,
  type HeldMail,
  type Holder,
} from './held-mail.rows';
import { mailQueuedMinutes } from './leased-mail';
import { MailSettings } from './mail.settings';
import { renderDigest } from './render-digest';

/** More of them make another digest. */
const mostInDigest = 50;
/** Somebody else has them locked. */
const busyMs = 500;

/** Lets held mails go when their time has come: one by one, or gathered into one. */
@Injectable()
export class HeldMails implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly sweeper: DueSweeper;

  constructor(
    private readonly settings: MailSettings,
    private readonly clock: Clock,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for held mails'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeper.stop();
  }

  /** A mail is held until then. */
  announce(until: Date): void {
    this.sweeper.wakeIn(Math.max(0, until.getTime() - this.clock.now().getTime()));
  }

  private async sweep(): Promise<number | null> {
    const now = this.clock.now();
    const next = await this.everyWorkspace.everywhere((sql) => nextHeldMs(sql, now));
    if (next === null || next > 0) return next;
    const holders = await this.everyWorkspace.everywhere((sql) => findHolders(sql, now));
    const workspaces = [...new Set(holders.map(({ workspace_id }) => workspace_id))];
    const released = await this.unitOfWork(workspaces, (tx) => this.release(tx, holders, workspaces, now));
    return released > 0 ? 0 : busyMs;
  }

  /** Answers how many mails it was about. */
  private async release(
    tx: Tx,
    holders: readonly Holder[],
    workspaces: readonly string[],
    now: Date,
  ): Promise<number> {
    const [mails, audience] = await Promise.all([
      lockHeldMails(tx, holders, now),
      readAudience(
        tx,
        workspaces,
        holders.map(({ workspace_id, person_id }) => ({ workspaceId: workspace_id, personId: person_id })),
      ),
    ]);
    const alone: HeldMail[] = mails.filter((mail) => !mail.is_gathered);
    const gathered = new Map<string, HeldMail[]>();
    for (const mail of mails.filter(({ is_gathered }) => is_gathered)) {
      const key = `${mail.workspace_id} ${mail.person_id}`;
      gathered.set(key, [...(gathered.get(key) ?? []), mail]);
    }
    for (const parts of gathered.values()) {
      for (let at = 0; at < parts.length; at += mostInDigest) {
        const some = parts.slice(at, at + mostInDigest);
        // One mail is no digest: it goes as it is.
        if (some.length === 1) alone.push(...some);
        else this.gather(tx, some, audience);
      }
    }
    if (alone.length > 0) {
      const state = this.settings.smtpUrl === null ? 'captured' : 'pending';
      releaseMails(
        tx,
        alone.map(({ id }) => id),
        state,
        mailQueuedMinutes,
      );
      if (state === 'pending') for (const mail of alone) publishSend(tx, mail);
    }
    return mails.length;
  }

  private gather(tx: Tx, parts: readonly HeldMail[], audience: Audience): void {
    const last = parts.at(-1);
    if (!last) return;
    const { workspace_id: workspaceId, person_id: personId } = last;
    const workspace = audience.workspace(workspaceId);
    const { language } = readerOf(audience.reading(workspaceId, personId), workspace);
    const { subject, text, html } = renderDigest(
      last.recipient_name,
      parts.map(({ content }) => content),
      { language, workspace: workspace.name },
    );
    const id = v7();
    const isSent = this.settings.smtpUrl !== null;
    tx.write(
      `INSERT INTO mail (id, workspace_id, event_id, person_id, recipient, recipient_name, subject, text_body, html_body, links,
                         state, due_at, finished_at, untold, correlation_id, traceparent)
       VALUES ($1, $2, $1, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $10 = 'pending' THEN now() + $11 * interval '1 minute' END,
               CASE WHEN $10 = 'pending' THEN NULL ELSE now() END, $10 <> 'pending', $12, $13)`,
      [
        id,
        workspaceId,
        personId,
        last.recipient,
        last.recipient_name,
        subject,
        text,
        html,
        JSON.stringify(parts.flatMap(({ links }) => links)),
        isSent ? 'pending' : 'captured',
        mailQueuedMinutes,
        last.correlation_id,
        last.traceparent,
      ],
    );
    gatherMails(
      tx,
      parts.map((part) => part.id),
      id,
    );
    if (isSent) publishSend(tx, { ...last, id });
  }
}

const publishSend = (tx: Tx, mail: HeldMail): void => {
  tx.publish({
    type: 'mail.send.v1',
    workspaceId: mail.workspace_id,
    data: { mailId: mail.id, attempt: 1 },
    cause: { correlationId: mail.correlation_id, causationId: null, traceparent: mail.traceparent },
  });
};
