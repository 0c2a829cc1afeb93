import { DueSweeper } from '@countersign/due-sweeper';
import { traceIdOf, type UnitOfWork } from '@countersign/messaging';
import { createOutboundHttp, type OutboundHttp } from '@countersign/outbound-http';
import { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { EndpointSecrets } from '../endpoints/endpoint-secrets';
import { BatchRecorder } from '../outside-calls/batch-recorder';
import { CallPool } from '../outside-calls/call-pool';
import type { AttemptOutcome, LeasedDelivery } from './attempt';
import { outcomeOf, putBack } from './attempt-outcome';
import { MailSettings } from '../mail/mail.settings';
import { announceOperations } from '../operations/announce-operations';
import { disableEndpoints, givenUpReason, goneReason } from '../operations/disable-endpoints';
import { claimDue, claimProbes, drain, nextDueMs, queueClaimed, type DueDelivery } from './claim-due';
import { opensAfter } from './endpoint-health';
import { endGone } from './end-of-gone';
import { judgeEndpoints, type Judgement } from './judge-endpoints';
import { leaseSeconds } from './lease-deliveries';
import { recordOutcomes } from './record-outcomes';
import { endingsOf } from './delivery-endings';
import { recordEndings } from '../trail/record-endings';
import { startSuccessors } from './start-successors';
import { callTimeoutMs, callWebhook } from './webhook-caller';
import { WebhookSettings } from './webhook.settings';

const poolLimits = {
  inFlight: 500,
  inFlightPerKey: 16,
  waiting: 20_000,
  waitingPerKey: 1_000,
  bytes: 64 * 1_024 * 1_024,
};
/** Left of the lease for recording what came of a call. */
const recordingMs = 5_000;
/** Time between two looks while nothing that is due can be claimed. */
const busyMs = 200;
const shutdownMs = { calls: 4_000, records: 2_000 };

/** Makes the attempts of this process: leased deliveries in, calls outside of every transaction, outcomes recorded together. */
@Injectable()
export class DeliveryDispatcher implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  private readonly http: OutboundHttp;
  private readonly pool = new CallPool(poolLimits);
  private readonly recorder: BatchRecorder<AttemptOutcome>;
  private readonly sweeper: DueSweeper;

  constructor(
    private readonly settings: WebhookSettings,
    private readonly secrets: EndpointSecrets,
    private readonly mails: MailSettings,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(LOG) private readonly log: Log,
  ) {
    // The pool says how many calls one endpoint may have under way; endpoints that share an origin must not wait for each other.
    this.http = createOutboundHttp({ allow: settings.allowText, connectionsPerOrigin: poolLimits.inFlight });
    this.recorder = new BatchRecorder(
      (outcomes) => this.write(outcomes),
      (error) => log.warn({ err: error }, 'recording deliveries'),
    );
    this.sweeper = new DueSweeper(
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'looking for due deliveries'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
    await this.pool.stop(shutdownMs.calls);
  }

  /** Last: the workers may have leased more in the meantime, which has gone back by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.recorder.flush(shutdownMs.records);
    this.recorder.stop();
    await this.http.close();
  }

  /** How many deliveries to this endpoint this process would take now. */
  roomFor(endpointId: string): number {
    return this.pool.roomFor(endpointId);
  }

  /**
   * Takes over a delivery whose lease has been committed. `leasedAt` is when the transaction began, in milliseconds since
   * 1970: the database counts the lease from there.
   */
  dispatch(delivery: LeasedDelivery, traceparent: string | null, leasedAt: number): void {
    const giveBack = (isCrowdedOut = false) =>
      this.recorder.record(putBack(delivery, Math.random(), isCrowdedOut));
    const isTaken = this.pool.offer({
      key: delivery.endpoint_id,
      bytes: delivery.body.length,
      startBefore: leasedAt + leaseSeconds * 1_000 - callTimeoutMs - recordingMs,
      run: (signal) => this.attempt(delivery, traceparent, signal),
      drop: () => giveBack(),
    });
    if (!isTaken) giveBack(true);
  }

  /** Something was made due outside of the schedule. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  private async attempt(
    delivery: LeasedDelivery,
    traceparent: string | null,
    signal: AbortSignal,
  ): Promise<boolean> {
    const at = new Date();
    try {
      const result = await callWebhook(this.http, this.secrets, delivery, traceparent, at, signal);
      const isAborted = result.kind === 'failed' && result.reason === 'aborted';
      const outcome = isAborted
        ? putBack(delivery, 0)
        : outcomeOf(delivery, result, at, this.settings.schedule, Math.random());
      // An endpoint that is gone must be disabled before more is sent to it; what waits for its turn is sent as this is recorded.
      this.recorder.record(outcome, outcome.isGone || (outcome.isOrdered && outcome.state !== 'pending'));
      return outcome.state === 'succeeded';
    } catch (error) {
      this.log.error(
        {
          err: error,
          traceId: traceIdOf(traceparent),
          deliveryId: delivery.id,
          endpointId: delivery.endpoint_id,
        },
        'attempt impossible',
      );
      const detail = 'Countersign could not make this attempt';
      this.recorder.record(
        outcomeOf(
          delivery,
          { kind: 'failed', reason: 'aborted', detail, latencyMs: 0 },
          at,
          this.settings.schedule,
          Math.random(),
        ),
      );
      return false;
    }
  }

  private async write(made: readonly AttemptOutcome[]): Promise<void> {
    const workspaces = [...new Set(made.map(({ workspaceId }) => workspaceId))];
    const now = new Date();
    const judgement = await this.unitOfWork(workspaces, async (tx) => {
      const outcomes = await endGone(tx, made);
      const gone = outcomes.filter(({ isGone }) => isGone);
      const disabled = await disableEndpoints(
        tx,
        gone.map(({ endpointId }) => ({ endpointId, reason: goneReason })),
      );
      const recorded = await recordOutcomes(tx, outcomes);
      const ordered = new Set(
        outcomes.flatMap(({ isOrdered, deliveryId }) => (isOrdered ? [deliveryId] : [])),
      );
      const successors = await startSuccessors(
        tx,
        recorded.filter(({ id, state }) => state !== 'pending' && ordered.has(id)).map(({ id }) => id),
      );
      tx.afterCommit(() => {
        for (const { delivery, traceparent } of successors)
          this.dispatch(delivery, traceparent, now.getTime());
      });
      recordEndings(tx, endingsOf(recorded, outcomes));
      const judged = await judgeEndpoints(tx, outcomes, recorded, now);
      await announceOperations(tx, [...disabled, ...judged.news], this.mailTerms, now);
      return judged;
    });
    await this.giveUp(judgement);
    const delays = made.flatMap(({ delayMs }) => (delayMs === null ? [] : [delayMs]));
    if (judgement.isSweepNeeded) delays.push(0);
    if (delays.length > 0) this.sweeper.wakeIn(Math.min(...delays));
  }

  /** After the outcomes: an endpoint is locked before its deliveries. A crash before this is made good by the next failure. */
  private async giveUp({ givenUp }: Judgement): Promise<void> {
    if (givenUp.length === 0) return;
    const workspaces = [...new Set(givenUp.map(({ workspaceId }) => workspaceId))];
    await this.unitOfWork(workspaces, async (tx) => {
      const disabled = await disableEndpoints(
        tx,
        givenUp.map(({ endpointId, failingSince }) => ({ endpointId, reason: givenUpReason(failingSince) })),
      );
      await announceOperations(tx, disabled, this.mailTerms, new Date());
    });
    this.wake();
  }

  private get mailTerms(): { captured: boolean; publicUrl: string } {
    return { captured: this.mails.smtpUrl === null, publicUrl: this.mails.publicUrl };
  }

  private async sweep(): Promise<number | null> {
    const next = await this.everyWorkspace.everywhere(nextDueMs);
    if (next === null || next > 0) return next;
    const busy = this.pool.fullKeys();
    const { due, held, probes, drained } = await this.everyWorkspace.everywhere(async (sql) => ({
      ...(await claimDue(sql, busy)),
      probes: await claimProbes(sql, opensAfter),
      drained: await drain(sql),
    }));
    await this.queue([...due, ...probes]);
    // What is due and cannot be claimed is locked by another process or goes to an endpoint that takes no more now.
    return due.length + probes.length + held + drained > 0 ? 0 : busyMs;
  }

  private async queue(due: readonly DueDelivery[]): Promise<void> {
    if (due.length === 0) return;
    const workspaces = [...new Set(due.map((delivery) => delivery.workspace_id))];
    await this.unitOfWork(workspaces, async (tx) => {
      await queueClaimed(tx, due);
      for (const { id, workspace_id, attempt, correlation_id, traceparent } of due) {
        tx.publish({
          type: 'delivery.attempt.v1',
          workspaceId: workspace_id,
          data: { deliveryId: id, attempt },
          cause: { correlationId: correlation_id, causationId: null, traceparent },
        });
      }
    });
  }
}
