import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { mostErasedRequests, catalogue, queueOwner } from '@countersign/contracts';
import { DueSweeper } from '@countersign/due-sweeper';
import { addCounts, type Counts } from '@countersign/erasure';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { holdsOfErasure, leaveOutHeld } from '../holds/hold.rows';
import { AuditLog } from '../log/audit-log';
import { erasureCompleted } from './erasure-facts';
import {
  collectRequests,
  eraseSealed,
  findEnded,
  keepRunning,
  lockErasure,
  type ErasureRow,
} from './erasure.rows';

/** Parts that services are asked for at once. */
const partsAtOnce = 4;
/** How soon to look again for an erasure that waits for a request's end, or for a hold to be released: both wake it. */
const patientSeconds = 10;
const fenceSeconds = 0.02;

/** Everybody who keeps data of people. */
const services = catalogue['subject.erase.v1'].queues.map((queue) => queueOwner[queue]);

interface Due extends Record<string, unknown> {
  id: string;
  workspace_id: string;
}

/**
 * Takes erasures to their end, a bounded transaction at a time: which requests are concerned, what is sealed in the log, then every
 * service part by part. Where it has got to is in the database, so whoever is there goes on.
 */
@Injectable()
export class ErasureRunner implements OnApplicationBootstrap, OnModuleDestroy {
  private stopping = false;
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly log: AuditLog,
    @Inject(LOG) faults: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.look(),
      (error) => faults.error({ err: error }, 'taking an erasure on'),
    );
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    await this.sweeper.stop();
  }

  /** There is something to do. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  private async look(): Promise<number | null> {
    const due = await this.everyWorkspace.everywhere((sql) =>
      sql.query<Due>('SELECT id, workspace_id FROM erasure WHERE due_at <= now() ORDER BY due_at LIMIT 20'),
    );
    for (const { id, workspace_id: workspaceId } of due) {
      for (let goesOn = true; goesOn && !this.stopping;)
        goesOn = await this.unitOfWork([workspaceId], (tx) => this.step(tx, id));
    }
    return due.length > 0 ? fenceSeconds * 1_000 : null;
  }

  /** Answers whether the next step may follow at once. */
  private async step(tx: Tx, id: string): Promise<boolean> {
    const erasure = await lockErasure(tx, id);
    if (!erasure) return false;
    return erasure.phase === 'collect' ? this.collect(tx, erasure) : this.erase(tx, erasure);
  }

  /** Nothing is erased before it is known which requests are concerned, and that no hold covers any of them. */
  private async collect(tx: Tx, erasure: ErasureRow): Promise<boolean> {
    const { id, workspace_id: workspaceId, subject } = erasure;
    if (subject !== null) {
      const { last, isFull } = await collectRequests(tx, erasure);
      if (last !== null) tx.write('UPDATE erasure SET cursor = $2 WHERE id = $1', [id, last]);
      if (isFull) return true;
    }
    const holds = await holdsOfErasure(tx, workspaceId, id, subject);
    if (holds.length > 0) return this.hold(tx, erasure, holds);
    tx.write(
      `UPDATE erasure SET phase = 'erase', state = 'running', held_by = '{}', cursor = -1, fence = NULL WHERE id = $1`,
      [id],
    );
    return true;
  }

  /** Begins anew once it is due again: there may be other requests by then. */
  private hold(tx: Tx, { id }: ErasureRow, holds: readonly string[]): boolean {
    tx.write(
      `UPDATE erasure SET phase = 'collect', state = 'held', held_by = $2, cursor = -1,
                          due_at = now() + interval '${patientSeconds} seconds' WHERE id = $1`,
      [id, holds],
    );
    return false;
  }

  private async erase(tx: Tx, erasure: ErasureRow): Promise<boolean> {
    const { id, workspace_id: workspaceId, subject } = erasure;
    if (subject === null) await leaveOutHeld(tx, workspaceId, id);
    const holds = subject === null ? [] : await holdsOfErasure(tx, workspaceId, id, subject);
    if (holds.length > 0) return this.hold(tx, erasure, holds);
    if (subject !== null) {
      const { last, isFull, erased } = await eraseSealed(tx, erasure);
      if (last !== null) {
        tx.write('UPDATE erasure SET cursor = $2, counts = $3, fence = NULL WHERE id = $1', [
          id,
          last,
          JSON.stringify(addCounts(erasure.counts, { sealed: erased })),
        ]);
        if (isFull) return true;
      }
    }
    if (!erasure.has_fence)
      tx.write('UPDATE erasure SET fence = pg_snapshot_xmax(pg_current_snapshot()) WHERE id = $1', [id]);
    if (await this.send(tx, erasure)) return true;
    return this.conclude(tx, erasure);
  }

  /** Asks all services for the next part; false when there is none, or they have enough to do. */
  private async send(tx: Tx, erasure: ErasureRow): Promise<boolean> {
    const { id, workspace_id: workspaceId, subject, next_part: part, has_waited: hasWaited } = erasure;
    const [open] = await tx.query<{ parts: number }>(
      'SELECT count(DISTINCT part)::int AS parts FROM erasure_part WHERE erasure_id = $1 AND done_at IS NULL',
      [id],
    );
    if ((open?.parts ?? 0) >= partsAtOnce) return false;
    await keepRunning(tx, erasure, mostErasedRequests);
    const requests = await tx.query<{ id: string; isRequester: boolean }>(
      `UPDATE erasure_request r SET state = 'sent', part = $2
         FROM (SELECT request_id FROM erasure_request WHERE erasure_id = $1 AND state = 'ready'
                ORDER BY request_id LIMIT ${mostErasedRequests}) n
        WHERE r.erasure_id = $1 AND r.request_id = n.request_id RETURNING r.request_id AS id, r.is_requester AS "isRequester"`,
      [id, part],
    );
    const isFirst = part === 0 && subject !== null;
    if (requests.length === 0 && !isFirst) return false;
    tx.write(
      `INSERT INTO erasure_part (erasure_id, part, service, workspace_id) SELECT $1, $2, service, $3 FROM unnest($4::text[]) AS s (service)`,
      [id, part, workspaceId, services],
    );
    tx.write('UPDATE erasure SET next_part = next_part + 1, state = $2 WHERE id = $1', [id, 'running']);
    tx.publish({
      type: 'subject.erase.v1',
      workspaceId,
      // Of the erasure itself, so that everything that it sets in motion is found by its id.
      cause: { correlationId: id, causationId: null, traceparent: null },
      data: { erasureId: id, part, subject, requests, general: subject !== null && (isFirst || hasWaited) },
    });
    return true;
  }

  private async conclude(tx: Tx, erasure: ErasureRow): Promise<boolean> {
    const { id } = erasure;
    await findEnded(tx, id);
    const [left] = await tx.query<{ is_open: boolean; is_ready: boolean; is_waiting: boolean }>(
      `SELECT EXISTS (SELECT FROM erasure_part WHERE erasure_id = $1 AND done_at IS NULL) AS is_open,
              EXISTS (SELECT FROM erasure_request WHERE erasure_id = $1 AND state = 'ready') AS is_ready,
              EXISTS (SELECT FROM erasure_request WHERE erasure_id = $1 AND state = 'waiting') AS is_waiting`,
      [id],
    );
    const later = (state: string, seconds: number): boolean => {
      tx.write(
        `UPDATE erasure SET state = $2, has_waited = has_waited OR $2 = 'waiting', due_at = now() + make_interval(secs => $3::float8) WHERE id = $1`,
        [id, state, seconds],
      );
      return false;
    };
    // Whoever answers makes it due at once.
    if (left?.is_open) return later('running', patientSeconds);
    if (left?.is_ready) return true;
    if (left?.is_waiting) return later('waiting', patientSeconds);
    // Whoever was storing something while it began has ended by then, and is seen by the next look at the log.
    if (!erasure.is_clear) return later('running', fenceSeconds);
    await this.complete(tx, erasure);
    return false;
  }

  private async complete(tx: Tx, erasure: ErasureRow): Promise<void> {
    const { id } = erasure;
    const parts = await tx.query<{ service: string; counts: Counts | null }>(
      'SELECT service, counts FROM erasure_part WHERE erasure_id = $1',
      [id],
    );
    const [requests] = await tx.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM erasure_request WHERE erasure_id = $1',
      [id],
    );
    const counts: Record<string, Counts> = {};
    for (const part of parts) counts[part.service] = addCounts(counts[part.service] ?? {}, part.counts ?? {});
    tx.write(`UPDATE erasure SET state = 'done', completed_at = now(), due_at = NULL WHERE id = $1`, [id]);
    await this.log.append(tx, [erasureCompleted(erasure, requests?.count ?? 0, counts)]);
  }
}
