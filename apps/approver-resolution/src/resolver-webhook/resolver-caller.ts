import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { traceIdOf, type Tx, type UnitOfWork } from '@countersign/messaging';
import { createOutboundHttp, type OutboundHttp, type OutboundResult } from '@countersign/outbound-http';
import { CONFIG, LOG, UNIT_OF_WORK, type Log, type ServiceConfig } from '@countersign/service-kit';
import { signHeaders } from '@countersign/webhook-signature';
import { targetKey } from '../resolution/resolution-question';
import { questionById, settleResolution } from '../resolution/resolution.store';
import { resolveSources } from '../resolution/resolve-sources';
import { CallPool } from './call-pool';
import { mostAnswerBytes, readOutcome, type CallOutcome } from './resolver-answer';
import {
  forgetCall,
  isCurrent,
  patienceMs,
  postponeCall,
  type CallRecord,
  type CallTarget,
  type LeasedCall,
} from './resolver-call.store';
import { readRetrySchedule, type RetrySchedule } from './retry-schedule';

const limits = { total: 64, perHost: 8 };

/** A call that found no room, or was cut short by a shutdown, is taken up again after this long. */
const giveUpDelayMs = 1_000;

interface TargetOutcome {
  target: CallTarget;
  outcome: CallOutcome;
  record: CallRecord;
}

/**
 * Makes the calls of leased attempts, in this process and outside every transaction. What comes of an attempt is kept in
 * a transaction of its own, if the attempt is still the current one.
 */
@Injectable()
export class ResolverCaller implements OnModuleDestroy, OnApplicationShutdown {
  private readonly http: OutboundHttp;
  private readonly schedule: RetrySchedule;
  private readonly pool = new CallPool(limits);
  private readonly shutdown = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    @Inject(CONFIG) config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
  ) {
    this.schedule = readRetrySchedule(config.env.COUNTERSIGN_RESOLVER_RETRY);
    this.http = createOutboundHttp({
      allow: config.env.COUNTERSIGN_WEBHOOK_ALLOW ?? '',
      connectionsPerOrigin: limits.perHost,
    });
    setMaxListeners(0, this.shutdown.signal);
  }

  start(call: LeasedCall, secrets: readonly string[]): void {
    const work: Promise<void> = this.attempt(call, secrets)
      // Nothing is lost: the lease runs out, and the sweeper announces the next attempt.
      .catch((error: unknown) =>
        this.log.error(
          { err: error, traceId: traceIdOf(call.cause.traceparent), resolutionId: call.resolutionId },
          'resolver call not kept',
        ),
      )
      .finally(() => this.running.delete(work));
    this.running.add(work);
  }

  /** Cuts running calls short; what workers still start meanwhile is cut short as well. */
  onModuleDestroy(): void {
    this.shutdown.abort();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.running);
    await this.http.close();
  }

  private async attempt(call: LeasedCall, secrets: readonly string[]): Promise<void> {
    const open = call.targets.filter((target) => !Object.hasOwn(call.answers, targetKey(target)));
    const giveUpAt = performance.now() + patienceMs;
    const outcomes = await Promise.all(
      open.map((target) =>
        this.pool.run(hostOf(target.url), () => this.ask(call, target, secrets, giveUpAt)),
      ),
    );
    await this.unitOfWork([call.workspaceId], async (tx) => {
      if (await isCurrent(tx, call)) await this.keep(tx, call, outcomes);
    });
  }

  private async ask(
    call: LeasedCall,
    target: CallTarget,
    secrets: readonly string[],
    giveUpAt: number,
  ): Promise<TargetOutcome> {
    const now = new Date();
    const { url, format } = target;
    const record = { url, format, attempt: call.attempt, at: now.toISOString() };
    if (performance.now() > giveUpAt) {
      const outcome = { kind: 'given up' } as const;
      const nothing = { status: null, latencyMs: null, requestHash: null, answerHash: null };
      return { target, outcome, record: { ...record, ...nothing, result: 'no_room' } };
    }
    const { resolutionId } = call;
    const body = call.bodies[target.format];
    if (body === undefined) throw new Error(`a call without its body ${resolutionId}`);
    const result = await this.http.post({
      url: target.url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...traceHeader(call.cause.traceparent),
        ...signHeaders({ id: resolutionId, timestamp: now, body, secrets }),
      },
      body,
      timeoutMs: target.timeoutMs,
      maxResponseBytes: mostAnswerBytes,
      signal: this.shutdown.signal,
    });
    const outcome = readOutcome(result, target);
    const status = 'status' in result ? (result.status ?? null) : null;
    const latencyMs = 'latencyMs' in result ? result.latencyMs : null;
    const requestHash = sha256(body);
    const answerHash = result.kind === 'response' && !result.truncated ? sha256(result.body) : null;
    return {
      target,
      outcome,
      record: { ...record, status, latencyMs, result: wordOf(result), requestHash, answerHash },
    };
  }

  private async keep(tx: Tx, call: LeasedCall, outcomes: readonly TargetOutcome[]): Promise<void> {
    const answers = { ...call.answers };
    const evidence = [...call.evidence, ...outcomes.map(({ record }) => record)];
    const delayMs = this.schedule[call.attempt - 1];
    let [again, givenUp] = [false, false];
    for (const { target, outcome } of outcomes) {
      if (outcome.kind === 'final') answers[targetKey(target)] = outcome.answer;
      else if (outcome.kind === 'given up') givenUp = true;
      else if (delayMs !== undefined) again = true;
      else answers[targetKey(target)] = { failure: `${outcome.failure} It was tried ${call.attempt} times.` };
    }
    if (again || givenUp) {
      const wait = again && delayMs !== undefined ? delayMs : giveUpDelayMs;
      return postponeCall(tx, call, { answers, evidence, delayMs: wait, counts: again });
    }
    const question = await questionById(tx, call.resolutionId);
    if (!question) throw new Error(`a call without its resolution ${call.resolutionId}`);
    const answered = { question, answers, cause: call.cause, calls: evidence };
    const [outcome] = await resolveSources(tx, [answered]);
    if (outcome) await settleResolution(tx, answered, outcome);
    await forgetCall(tx, call);
  }
}

const sha256 = (body: string | Buffer): string => createHash('sha256').update(body).digest('hex');

/** What may not be called shares a place: nothing is sent for it. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');

const traceHeader = (traceparent: string | null): Record<string, string> =>
  traceparent ? { traceparent } : {};

const wordOf = (result: OutboundResult): string => {
  switch (result.kind) {
    case 'response':
      return 'answered';
    case 'failed':
    case 'refused':
      return result.reason;
  }
};
