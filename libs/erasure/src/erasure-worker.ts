import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ConsumerService, RequestToErase } from '@countersign/contracts';
import { DueSweeper } from '@countersign/due-sweeper';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { eraseAnswers } from './erase-answers';
import { eraseDeadLetters } from './erase-dead-letters';
import { addCounts, type Counts, type Eraser, type ErasureScope } from './eraser';

export const ERASER = Symbol('ERASER');
export const ERASING_SERVICE = Symbol('ERASING_SERVICE');

/** Requests that one transaction erases at the most. */
const mostAtOnce = 200;
/** How fast more are tried again. */
const growth = 1.25;
/** Parts that one look takes up. */
const partsAtOnce = 20;
/** Work comes by message; this is for what a process has left behind. */
const idleMs = 10_000;
/** How soon to look again for whether an older transaction has ended. */
const fenceMs = 20;
/** No transaction of ours lasts so long; one of somebody else on the same server may. */
const longestTransactionMinutes = 10;

interface Place extends Record<string, unknown> {
  workspace_id: string;
  erasure_id: string;
  part: number;
}

interface Work extends Place {
  subject: string | null;
  requests: RequestToErase[];
  general: boolean;
  correlation_id: string;
  has_fence: boolean;
  is_clear: boolean;
  done: number;
  cursor: string | null;
  counts: Counts;
}

/** `busy`: another process is at it. */
type Step = 'more' | 'wait' | 'done' | 'busy';

/**
 * Erases what has been written down, some requests a transaction, and says so when nothing is left of a part. What was under way
 * when it was written down is waited for, so nothing escapes. Any process may go on with what another has begun.
 */
@Injectable()
export class ErasureWorker implements OnApplicationBootstrap, OnModuleDestroy {
  private stopping = false;
  /** How many are tried together: as long as requests are large, few. */
  private atOnce = mostAtOnce;
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(ERASING_SERVICE) private readonly service: ConsumerService,
    @Inject(ERASER) private readonly eraser: Eraser,
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    @Inject(LOG) log: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.look(),
      (error) => log.error({ err: error }, 'erasing'),
      idleMs,
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.sweeper.stop();
  }

  /** Something has been written down. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  private async look(): Promise<number | null> {
    const places = await this.everyWorkspace.everywhere((sql) =>
      sql.query<Place>(
        `SELECT workspace_id, erasure_id, part FROM erasure_work ORDER BY created_at LIMIT ${partsAtOnce}`,
      ),
    );
    let waits = false;
    let isResting = true;
    for (const place of places) {
      for (let step: Step = 'more'; step === 'more' && !this.stopping;) {
        step = await this.unitOfWork([place.workspace_id], (tx) => this.step(tx, place));
        if (step === 'wait') waits = true;
        isResting &&= step === 'busy';
      }
    }
    if (waits) return fenceMs;
    return places.length === partsAtOnce && !isResting ? 0 : null;
  }

  /** One transaction's worth of a part; nothing when another process is at it. */
  private async step(tx: Tx, { erasure_id: erasureId, part }: Place): Promise<Step> {
    const [work] = await tx.query<Work>(
      `SELECT workspace_id, erasure_id, part, subject, requests, general, correlation_id, done, cursor, counts, fence IS NOT NULL AS has_fence,
              pg_snapshot_xmin(pg_current_snapshot()) >= fence
                OR created_at < now() - interval '${longestTransactionMinutes} minutes' AS is_clear
         FROM erasure_work WHERE erasure_id = $1 AND part = $2 FOR UPDATE SKIP LOCKED`,
      [erasureId, part],
    );
    if (!work) return 'busy';
    if (!work.has_fence) {
      tx.write(
        'UPDATE erasure_work SET fence = pg_snapshot_xmax(pg_current_snapshot()) WHERE erasure_id = $1 AND part = $2',
        [erasureId, part],
      );
      return 'more';
    }
    if (!work.is_clear) return 'wait';
    const scope: ErasureScope = { workspaceId: work.workspace_id, subject: work.subject };
    const requests = work.requests.slice(work.done, work.done + this.atOnce);
    if (requests.length > 0) {
      await lockMarks(tx, requests);
      const { requests: count, counts } = await this.eraser.eraseRequests(tx, scope, requests);
      this.atOnce = count < requests.length ? count : Math.min(mostAtOnce, Math.ceil(this.atOnce * growth));
      return this.keep(tx, work, { done: work.done + count, cursor: null, erased: counts });
    }
    const { next, count } =
      work.general && work.subject !== null && this.service !== 'routing'
        ? await eraseAnswers(tx, work.workspace_id, work.subject, work.cursor)
        : { next: null, count: 0 };
    if (next !== null)
      return this.keep(tx, work, { done: work.done, cursor: next, erased: { answers: count } });
    return this.end(tx, work, scope, { answers: count });
  }

  private keep(
    tx: Tx,
    { erasure_id: erasureId, part, counts }: Work,
    { done, cursor, erased }: { done: number; cursor: string | null; erased: Counts },
  ): Step {
    tx.write(
      'UPDATE erasure_work SET done = $3, cursor = $4, counts = $5 WHERE erasure_id = $1 AND part = $2',
      [erasureId, part, done, cursor, JSON.stringify(addCounts(counts, erased))],
    );
    return 'more';
  }

  private async end(tx: Tx, work: Work, scope: ErasureScope, erased: Counts): Promise<Step> {
    const { erasure_id: erasureId, part, subject, general } = work;
    let counts = addCounts(work.counts, erased);
    if (general && subject !== null)
      counts = addCounts(counts, await this.eraser.eraseGeneral(tx, { ...scope, subject }));
    const letters = await eraseDeadLetters(tx, scope, work.requests, general);
    counts = addCounts(counts, { deadLetters: letters });
    tx.write('DELETE FROM erasure_work WHERE erasure_id = $1 AND part = $2', [erasureId, part]);
    tx.publish({
      type: 'subject.erased.v1',
      workspaceId: scope.workspaceId,
      cause: { correlationId: work.correlation_id, causationId: null, traceparent: null },
      data: { erasureId, part, service: this.service, counts },
    });
    return 'done';
  }
}

/** Two erasures that concern the same request would undo each other: each would write back what it has read before. */
const lockMarks = (tx: Tx, requests: readonly RequestToErase[]): Promise<unknown> =>
  tx.query(
    'SELECT FROM erased_request WHERE request_id = ANY ($1::uuid[]) ORDER BY request_id, subject FOR UPDATE',
    [requests.map(({ id }) => id)],
  );
