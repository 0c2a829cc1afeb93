import { DueSweeper } from '@countersign/due-sweeper';
import { traceIdOf, type UnitOfWork } from '@countersign/messaging';
import { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { BatchRecorder } from '../outside-calls/batch-recorder';
import { CallPool } from '../outside-calls/call-pool';
import { recordEndings } from '../trail/record-endings';
import { DecisionTokens } from './decision-tokens';
import {
  claimDueMails,
  mailLeaseSeconds,
  nextDueMailMs,
  queueClaimedMails,
  recordMails,
  type LeasedMail,
  type MailOutcome,
} from './leased-mail';
import { mailConnections, MailTransport } from './mail-transport';
import { mailEndingOf } from './mail-endings';
import { MailSettings } from './mail.settings';

/** Milliseconds between attempts; a mail server is away for hours, seldom for days. */
const schedule = [5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000];
const poolLimits = {
  inFlight: mailConnections,
  inFlightPerKey: mailConnections,
  waiting: 500,
  waitingPerKey: 500,
  bytes: 32 * 1_024 * 1_024,
};
/** Of the lease, kept for sending and recording. */
const sendingMs = 60_000;
const putBackMs = 3_000;
const busyMs = 500;
const shutdownMs = { sends: 4_000, records: 2_000 };
/** There is one mail server. */
const server = 'smtp';

/** Sends the mails that this process has leased, outside of every transaction, and records together what came of them. */
@Injectable()
export class MailDispatcher implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly transport: MailTransport | null;
  private readonly pool = new CallPool(poolLimits);
  private readonly recorder: BatchRecorder<MailOutcome>;
  private readonly sweeper: DueSweeper;

  constructor(
    settings: MailSettings,
    tokens: DecisionTokens,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.transport = settings.smtpUrl === null ? null : new MailTransport(settings.smtpUrl, settings, tokens);
    this.recorder = new BatchRecorder(
      (outcomes) => this.write(outcomes),
      (error) => log.warn({ err: error }, 'recording mails'),
    );
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for due mails'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
    const stopped = this.pool.stop(shutdownMs.sends);
    // A send cannot be aborted but by hanging up.
    const impatience = setTimeout(() => this.transport?.close(), shutdownMs.sends);
    await stopped;
    clearTimeout(impatience);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.recorder.flush(shutdownMs.records);
    this.recorder.stop();
    this.transport?.close();
  }

  /** Takes over a mail whose lease has been committed. */
  dispatch(mail: LeasedMail): void {
    const record = (
      state: MailOutcome['state'],
      delayMs: number | null,
      error: string | null,
      isTry: boolean,
    ) =>
      this.recorder.record({
        mailId: mail.id,
        workspaceId: mail.workspace_id,
        attempt: mail.attempt,
        state,
        delayMs,
        error,
        isTry,
      });
    const { transport } = this;
    if (!transport) return record('captured', null, null, false);
    const giveBack = () => record('pending', putBackMs, null, false);
    const isTaken = this.pool.offer({
      key: server,
      bytes: mail.text_body.length + mail.html_body.length,
      startBefore: Date.now() + mailLeaseSeconds * 1_000 - sendingMs,
      run: async () => {
        const fault = await transport.send(mail);
        const delayMs = fault && !fault.isPermanent ? schedule[mail.tries] : undefined;
        if (!fault) record('sent', null, null, true);
        else if (delayMs === undefined) record('failed', null, fault.message, true);
        else record('pending', Math.round(delayMs * (0.9 + 0.2 * Math.random())), fault.message, true);
        if (fault) {
          const traceId = traceIdOf(mail.traceparent);
          this.log.warn({ traceId, mailId: mail.id, isPermanent: fault.isPermanent }, 'mail not sent');
        }
        return fault === null || fault.isPermanent;
      },
      drop: giveBack,
    });
    if (!isTaken) giveBack();
  }

  private async write(outcomes: readonly MailOutcome[]): Promise<void> {
    const workspaces = [...new Set(outcomes.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, async (tx) =>
      recordEndings(tx, (await recordMails(tx, outcomes)).map(mailEndingOf)),
    );
    const delays = outcomes.flatMap(({ delayMs }) => (delayMs === null ? [] : [delayMs]));
    if (delays.length > 0) this.sweeper.wakeIn(Math.min(...delays));
  }

  private async sweep(): Promise<number | null> {
    const next = await this.everyWorkspace.everywhere(nextDueMailMs);
    if (next === null || next > 0) return next;
    const due = await this.everyWorkspace.everywhere(claimDueMails);
    if (due.length === 0) return busyMs;
    const workspaces = [...new Set(due.map((mail) => mail.workspace_id))];
    await this.unitOfWork(workspaces, async (tx) => {
      await queueClaimedMails(tx, due);
      for (const { id, workspace_id, attempt, correlation_id, traceparent } of due) {
        tx.publish({
          type: 'mail.send.v1',
          workspaceId: workspace_id,
          data: { mailId: id, attempt },
          cause: { correlationId: correlation_id, causationId: null, traceparent },
        });
      }
    });
    return 0;
  }
}
