import { setMaxListeners } from 'node:events';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { traceIdOf, type Tx, type UnitOfWork } from '@countersign/messaging';
import { createOutboundHttp, type OutboundHttp, type OutboundResult } from '@countersign/outbound-http';
import { CONFIG, LOG, UNIT_OF_WORK, type Log, type ServiceConfig } from '@countersign/service-kit';
import { signHeaders } from '@countersign/webhook-signature';
import { targetKey } from '../resolution/resolution-question';
import { shownUrl } from '../resolution/shown-url';
import { callsOf, shownRefs, triesOf, waitingSince, withRecords } from './call-evidence';
import { CallPool } from './call-pool';
import { readCircuitSettings } from './circuit-settings';
import { keepAnswers, type AnswerToKeep } from './kept-answer.store';
import { giveUpDelayMs, mostAnswerBytes, readOutcome, type CallOutcome } from './resolver-answer';
import { sha256Hex } from './resolver-bodies';
import {
  isCurrent,
  openTargets,
  patienceMs,
  postponeCall,
  type CallRecord,
  type CallTarget,
  type LeasedCall,
} from './resolver-call.store';
import { ResolverCircuits } from './resolver-circuits';
import { readRetrySchedule, type RetrySchedule } from './retry-schedule';
import { settleCalls } from './settle-calls';

const limits = { total: 64, perWorkspace: 24, perHost: 8 };

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
  private readonly circuitPatienceMs: number;
  private readonly pool = new CallPool(limits);
  private readonly shutdown = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(
    @Inject(CONFIG) config: ServiceConfig,
    @Inject(LOG) private readonly log: Log,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly circuits: ResolverCircuits,
  ) {
    this.schedule = readRetrySchedule(config.env.COUNTERSIGN_RESOLVER_RETRY);
    this.circuitPatienceMs = readCircuitSettings(config.env).patienceMs;
    this.http = createOutboundHttp({
      allow: config.env.COUNTERSIGN_WEBHOOK_ALLOW ?? '',
      // The pool keeps the calls of each workspace apart; connections must not bring them together again.
      connectionsPerOrigin: limits.total,
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
    const outcomes = await Promise.all(openTargets(call).map((target) => this.turn(call, target, secrets)));
    await this.unitOfWork([call.workspaceId], async (tx) => {
      if (await isCurrent(tx, call)) await this.keep(tx, call, outcomes);
    });
  }

  /** Asks a webhook when there is room for one more call to its host, unless its circuit is open. */
  private async turn(
    call: LeasedCall,
    target: CallTarget,
    secrets: readonly string[],
  ): Promise<TargetOutcome> {
    const host = hostOf(target.url);
    // Whose calls share room and a circuit: nobody can use up, or open, that of another workspace.
    const place = `${call.workspaceId} ${host}`;
    // Before it takes room from others, and again when there is some: the circuit may have changed meanwhile.
    const againInMs = this.circuits.turnAway(place);
    if (againInMs !== null) return this.wait(call, target, againInMs);
    const outcome = await this.pool.run({ workspaceId: call.workspaceId, host }, patienceMs, () =>
      this.tryCall(call, target, place, secrets),
    );
    return outcome ?? noCall(call, target, 'no_room', { kind: 'later', waitMs: giveUpDelayMs });
  }

  private async tryCall(
    call: LeasedCall,
    target: CallTarget,
    place: string,
    secrets: readonly string[],
  ): Promise<TargetOutcome> {
    const admission = this.circuits.ask(place, target.timeoutMs);
    if (!admission.admitted) return this.wait(call, target, admission.againAt - performance.now());
    let result: OutboundResult | null = null;
    try {
      const at = new Date();
      const body = call.bodies[target.format];
      if (body === undefined) throw new Error(`a call without its body ${call.resolutionId}`);
      result = await this.post(call, target, body, at, secrets);
      const outcome = readOutcome(result, target);
      return { target, outcome, record: recordOf(call, target, { at, body, result, outcome }) };
    } finally {
      this.circuits.settle(place, admission.call, result);
    }
  }

  private post(
    { resolutionId, cause }: LeasedCall,
    target: CallTarget,
    body: string,
    timestamp: Date,
    secrets: readonly string[],
  ): Promise<OutboundResult> {
    return this.http.post({
      url: target.url,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...traceHeader(cause.traceparent),
        ...signHeaders({ id: resolutionId, timestamp, body, secrets }),
      },
      body,
      timeoutMs: target.timeoutMs,
      maxResponseBytes: mostAnswerBytes,
      signal: this.shutdown.signal,
    });
  }

  /** The circuit is open: the attempt takes place later, unless it has been put off for long enough. */
  private wait(call: LeasedCall, target: CallTarget, againInMs: number): TargetOutcome {
    const since = waitingSince(call.evidence, target) ?? Date.now();
    const leftMs = since + this.circuitPatienceMs - Date.now();
    if (leftMs > 0) {
      const waitMs = Math.max(0, Math.min(againInMs, leftMs));
      return noCall(call, target, 'circuit_open', { kind: 'later', waitMs });
    }
    const failure = `${shownUrl(target.url)} was not called, because calls to its host have failed one after the other.`;
    return noCall(call, target, 'circuit_still_open', { kind: 'again', failure });
  }

  private async keep(tx: Tx, call: LeasedCall, outcomes: readonly TargetOutcome[]): Promise<void> {
    const answers = { ...call.answers };
    const evidence = withRecords(
      call.evidence,
      outcomes.map(({ record }) => record),
    );
    const kept: AnswerToKeep[] = [];
    const [retries, waits]: [number[], number[]] = [[], []];
    for (const { target, outcome, record } of outcomes) {
      switch (outcome.kind) {
        case 'final': {
          const { answer, ttlMs = 0 } = outcome;
          answers[targetKey(target)] = answer;
          if ('refs' in answer) kept.push({ call, target, refs: answer.refs, ttlMs, record });
          break;
        }
        case 'later':
          waits.push(outcome.waitMs);
          break;
        case 'again': {
          const delayMs = this.schedule[triesOf(evidence, target) - 1];
          if (delayMs !== undefined) retries.push(delayMs);
          else answers[targetKey(target)] = { failure: lastWord(outcome.failure, callsOf(evidence, target)) };
        }
      }
    }
    keepAnswers(tx, kept);
    const now = { ...call, answers, evidence };
    if (retries.length + waits.length === 0) return settleCalls(tx, [now]);
    const counts = retries.length > 0;
    return postponeCall(tx, now, { delayMs: Math.max(...(counts ? retries : waits)), counts });
  }
}

const noCall = (
  { attempt }: LeasedCall,
  target: CallTarget,
  result: CallRecord['result'],
  outcome: CallOutcome,
): TargetOutcome => {
  const { url, format } = target;
  const nothing = { status: null, latencyMs: null, requestHash: null, answerHash: null };
  return {
    target,
    outcome,
    record: { url, format, attempt, at: new Date().toISOString(), ...nothing, result },
  };
};

const recordOf = (
  { attempt }: LeasedCall,
  { url, format }: CallTarget,
  { at, body, result, outcome }: { at: Date; body: string; result: OutboundResult; outcome: CallOutcome },
): CallRecord => ({
  url,
  format,
  attempt,
  at: at.toISOString(),
  status: 'status' in result ? (result.status ?? null) : null,
  latencyMs: 'latencyMs' in result ? result.latencyMs : null,
  result: result.kind === 'response' ? 'answered' : result.reason,
  requestHash: result.kind === 'refused' ? null : sha256Hex(body),
  answerHash: result.kind === 'response' && !result.truncated ? sha256Hex(result.body) : null,
  ...(outcome.kind === 'final' && 'refs' in outcome.answer ? { refs: shownRefs(outcome.answer.refs) } : {}),
});

const lastWord = (failure: string, calls: number): string =>
  calls > 0 ? `${failure} It was tried ${calls} times.` : failure;

/** What may not be called shares a place: nothing is sent for it. */
const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : '');

const traceHeader = (traceparent: string | null): Record<string, string> =>
  traceparent ? { traceparent } : {};
