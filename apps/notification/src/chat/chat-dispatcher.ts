import { DueSweeper } from '@countersign/due-sweeper';
import { childSpan, traceIdOf, type UnitOfWork } from '@countersign/messaging';
import { createOutboundHttp, type OutboundHttp } from '@countersign/outbound-http';
import { Database } from '@countersign/persistence';
import { SecretBox } from '@countersign/secret-box';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { WebhookSettings } from '../deliveries/webhook.settings';
import { DecisionTokens } from '../mail/decision-tokens';
import { MailSettings } from '../mail/mail.settings';
import { BatchRecorder } from '../outside-calls/batch-recorder';
import { CallPool } from '../outside-calls/call-pool';
import { recordEndings } from '../trail/record-endings';
import {
  chatLeaseSeconds,
  claimChats,
  nextDueChatMs,
  openChats,
  recordChats,
  type ChatOutcome,
  type LeasedChat,
} from './chat-message.rows';
import { chatEndingOf } from './chat-endings';
import { chatVerdict } from './chat-outcome';
import { chatUrlContext } from './chat-url';

const callTimeoutMs = 15_000;
const maxResponseBytes = 16 * 1_024;
/** Slack takes about one message a second and channel. */
const poolLimits = {
  inFlight: 100,
  inFlightPerKey: 2,
  waiting: 1_000,
  waitingPerKey: 40,
  bytes: 16 * 1_024 * 1_024,
};
/** Somebody is asked or told something: rather by mail than after hours. */
const longestPersonalMs = 45 * 60_000;
const recordingMs = 5_000;
const putBackMs = 1_000;
const busyMs = 500;
const shutdownMs = { calls: 4_000, records: 2_000 };

/** Posts to chat channels: outside of every transaction, each channel for itself, behind the same guard as webhooks. */
@Injectable()
export class ChatDispatcher implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly http: OutboundHttp;
  private readonly pool = new CallPool(poolLimits);
  private readonly recorder: BatchRecorder<ChatOutcome>;
  private readonly sweeper: DueSweeper;
  /** Of a mail that takes the place of a message. */
  private readonly mailState: 'pending' | 'captured';

  constructor(
    private readonly settings: WebhookSettings,
    mailSettings: MailSettings,
    private readonly secrets: SecretBox,
    private readonly tokens: DecisionTokens,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.mailState = mailSettings.smtpUrl === null ? 'captured' : 'pending';
    this.http = createOutboundHttp({
      allow: settings.allowText,
      // All channels of a product are at one origin, and must not wait for each other.
      connectionsPerOrigin: poolLimits.inFlight,
    });
    this.recorder = new BatchRecorder(
      (outcomes) => this.write(outcomes),
      (error) => log.warn({ err: error }, 'recording chat messages'),
    );
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for due chat messages'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
    await this.pool.stop(shutdownMs.calls);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.recorder.flush(shutdownMs.records);
    this.recorder.stop();
    await this.http.close();
  }

  /** Messages have been written. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  private async sweep(): Promise<number | null> {
    const next = await this.everyWorkspace.everywhere(nextDueChatMs);
    if (next === null || next > 0) return next;
    const claimedAt = Date.now();
    const busy = this.pool.fullKeys();
    const claimed = await this.everyWorkspace.everywhere((sql) => claimChats(sql, busy));
    if (claimed.length === 0) return busyMs;
    const workspaces = [...new Set(claimed.map(({ workspace_id }) => workspace_id))];
    const leased = await this.unitOfWork(workspaces, (tx) => openChats(tx, claimed, this.mailState));
    for (const chat of leased) this.dispatch(chat, claimedAt);
    return 0;
  }

  private dispatch(chat: LeasedChat, claimedAt: number): void {
    const record = (
      outcome: Omit<ChatOutcome, 'messageId' | 'channelId' | 'workspaceId' | 'personId' | 'attempt'>,
    ) =>
      this.recorder.record(
        {
          messageId: chat.id,
          channelId: chat.channel_id,
          workspaceId: chat.workspace_id,
          personId: chat.person_id,
          attempt: chat.attempt,
          ...outcome,
        },
        outcome.isGone,
      );
    const giveBack = () =>
      record({ state: 'pending', delayMs: putBackMs, error: null, isTry: false, isGone: false });
    const isTaken = this.pool.offer({
      key: chat.channel_id,
      bytes: chat.body.length,
      startBefore: claimedAt + chatLeaseSeconds * 1_000 - callTimeoutMs - recordingMs,
      run: async (signal) => {
        const now = new Date();
        const call = await this.post(chat, signal);
        if (call.kind === 'failed' && call.reason === 'aborted') {
          giveBack();
          return false;
        }
        const longestMs = chat.person_id === null ? Infinity : longestPersonalMs;
        const verdict = chatVerdict(chat, call, now, this.settings.schedule, Math.random(), longestMs);
        record(verdict);
        if (verdict.state !== 'sent') {
          // Without the URL, which is a secret.
          this.log.warn(
            { traceId: traceIdOf(chat.traceparent), messageId: chat.id, channelId: chat.channel_id },
            'chat message not sent',
          );
        }
        return verdict.state === 'sent';
      },
      drop: giveBack,
    });
    if (!isTaken) giveBack();
  }

  private async post(chat: LeasedChat, signal: AbortSignal) {
    const url = this.secrets.open(chat.url, chatUrlContext(chat.channel_id)).toString('utf8');
    const body =
      chat.person_id === null
        ? chat.body
        : this.tokens.insert(chat.body, {
            workspaceId: chat.workspace_id,
            personId: chat.person_id,
            links: chat.links,
          });
    return this.http.post({
      url,
      headers: { 'content-type': 'application/json', traceparent: childSpan(chat.traceparent) },
      body,
      timeoutMs: callTimeoutMs,
      maxResponseBytes,
      signal,
    });
  }

  private async write(outcomes: readonly ChatOutcome[]): Promise<void> {
    const workspaces = [...new Set(outcomes.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, async (tx) =>
      recordEndings(tx, (await recordChats(tx, outcomes, this.mailState)).map(chatEndingOf)),
    );
    const delays = outcomes.flatMap(({ delayMs }) => (delayMs === null ? [] : [delayMs]));
    if (delays.length > 0) this.sweeper.wakeIn(Math.min(...delays));
  }
}
