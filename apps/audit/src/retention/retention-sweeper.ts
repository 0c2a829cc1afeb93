import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DueSweeper } from '@countersign/due-sweeper';
import {
  appendLeaves,
  emptyFrontier,
  parseFrontier,
  rootOf,
  serializeFrontier,
} from '@countersign/merkle-log';
import type { Tx, UnitOfWork } from '@countersign/messaging';
import type { Database } from '@countersign/persistence';
import { LOG, SWEEPER, UNIT_OF_WORK, type Log } from '@countersign/service-kit';
import { v7 } from 'uuid';
import { Clock } from '../clock';
import { factOf } from '../log/fact';
import { ErasureRunner } from '../erasures/erasure-runner';
import { endedStates } from '../erasures/ended';
import { AuditLog } from '../log/audit-log';
import { tileEntries } from './retention.tables';

/** Entries that one transaction looks at, and tiles that one prunes. */
const entriesAtOnce = 2_000;
const tilesAtOnce = 8;
/** Retention is told in days. */
const everyMinutes = 60;
const idleMs = 2_000;
/** While something is being erased that may be pruned afterwards. */
const soonSeconds = 10;

interface Due extends Record<string, unknown> {
  workspace_id: string;
}

interface RetentionRow extends Due {
  cursor: string;
  erasure_id: string | null;
  has_limit: boolean;
}

/**
 * Erases what has been kept for its time, by the way of an erasure of everybody in those requests, and prunes the beginning of the log once
 * nothing in it has to stay. Both go through the log in bounded transactions; where a sweep has got to is in the database.
 */
@Injectable()
export class RetentionSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private stopping = false;
  private readonly sweeper: DueSweeper;

  constructor(
    @Inject(SWEEPER) private readonly everyWorkspace: Database,
    @Inject(UNIT_OF_WORK) private readonly unitOfWork: UnitOfWork,
    private readonly log: AuditLog,
    private readonly erasures: ErasureRunner,
    private readonly clock: Clock,
    @Inject(LOG) faults: Log,
  ) {
    this.sweeper = new DueSweeper(
      () => this.look(),
      (error) => faults.error({ err: error }, 'sweeping for retention'),
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

  /** There may be something to do. */
  wake(): void {
    this.sweeper.wakeIn(0);
  }

  private async look(): Promise<number | null> {
    const due = await this.everyWorkspace.everywhere((sql) =>
      sql.query<Due>('SELECT workspace_id FROM retention WHERE due_at <= $1 ORDER BY due_at LIMIT 20', [
        this.clock.now(),
      ]),
    );
    for (const { workspace_id: workspaceId } of due) {
      for (let goesOn = true; goesOn && !this.stopping;)
        goesOn = await this.unitOfWork([workspaceId], (tx) => this.step(tx, workspaceId));
    }
    return due.length > 0 ? 0 : null;
  }

  /** Answers whether there is more to do at once; nothing when another process is at it. */
  private async step(tx: Tx, workspaceId: string): Promise<boolean> {
    const now = this.clock.now();
    const [row] = await tx.query<RetentionRow>(
      `SELECT workspace_id, cursor, erasure_id, keep IS NOT NULL OR EXISTS (SELECT FROM jsonb_each_text(workflows) WHERE value IS NOT NULL) AS has_limit
         FROM retention WHERE workspace_id = $1 AND due_at <= $2 FOR UPDATE SKIP LOCKED`,
      [workspaceId, now],
    );
    if (!row) return false;
    if (row.has_limit) {
      if (await this.eraseExpired(tx, row, now)) return true;
      if (await this.prune(tx, workspaceId, now)) return true;
    }
    tx.write(
      `UPDATE retention SET cursor = -1, erasure_id = NULL,
              due_at = $2::timestamptz + CASE WHEN EXISTS (SELECT FROM erasure WHERE workspace_id = $1 AND subject IS NULL AND state <> 'done')
                                              THEN interval '${soonSeconds} seconds' ELSE interval '${everyMinutes} minutes' END
        WHERE workspace_id = $1`,
      [workspaceId, now],
    );
    return false;
  }

  /** Looks at the next entries; false at the end of those that may be old enough. */
  private async eraseExpired(
    tx: Tx,
    { workspace_id: workspaceId, cursor, erasure_id: begun }: RetentionRow,
    now: Date,
  ): Promise<boolean> {
    const [page] = await tx.query<{ last: string | null; count: number }>(
      `SELECT max(index) AS last, count(*)::int AS count
         FROM (SELECT index FROM entry WHERE workspace_id = $1 AND index > $2 ORDER BY index LIMIT ${entriesAtOnce}) e`,
      [workspaceId, cursor],
    );
    if (!page?.last) return false;
    const expired = await tx.query<{ request_id: string; workflow_key: string | null }>(
      // Whose request it is its newest state says: what notification tells of it may not know.
      `SELECT r.request_id, newest.workflow_key
         FROM (SELECT DISTINCT request_id FROM entry
                WHERE workspace_id = $1 AND index > $2 AND index <= $3 AND request_id IS NOT NULL
                  AND at + kept_for($1, workflow_key) < $4) r
        CROSS JOIN LATERAL (SELECT snapshot ->> 'state' AS state, snapshot #>> '{workflow,key}' AS workflow_key FROM transition t WHERE t.request_id = r.request_id ORDER BY t.request_version DESC LIMIT 1) newest
        WHERE newest.state = ANY ($5::text[])
          AND NOT EXISTS (SELECT FROM entry later WHERE later.workspace_id = $1 AND later.request_id = r.request_id AND later.request_version IS NOT NULL
                             AND (later.at + kept_for($1, later.workflow_key) < $4) IS NOT TRUE)
          AND NOT EXISTS (SELECT FROM erasure_request q JOIN erasure x ON x.id = q.erasure_id WHERE q.request_id = r.request_id AND x.subject IS NULL)
          AND NOT is_held($1, r.request_id, newest.workflow_key)`,
      [workspaceId, cursor, page.last, now, endedStates],
    );
    // What is about no request, such as the reason of an erasure, is in the log only.
    await tx.query(
      `UPDATE sealed s SET salt = NULL, data = NULL FROM entry e
        WHERE e.workspace_id = $1 AND e.index > $2 AND e.index <= $3 AND e.request_id IS NULL AND e.at + kept_for($1, e.workflow_key) < $4
          AND s.workspace_id = e.workspace_id AND s.index = e.index AND s.salt IS NOT NULL AND NOT is_held($1, NULL, e.workflow_key)
          AND NOT EXISTS (SELECT FROM hold h WHERE h.workspace_id = $1 AND h.released_at IS NULL AND (h.subject = s.subject OR h.entry_id = e.id))`,
      [workspaceId, cursor, page.last, now],
    );
    const erasureId = expired.length > 0 ? (begun ?? (await this.begin(tx, workspaceId, now))) : begun;
    if (expired.length > 0) await addRequests(tx, workspaceId, erasureId, expired);
    tx.write('UPDATE retention SET cursor = $2, erasure_id = $3 WHERE workspace_id = $1', [
      workspaceId,
      page.last,
      erasureId,
    ]);
    tx.afterCommit(() => this.erasures.wake());
    return page.count === entriesAtOnce;
  }

  private async begin(tx: Tx, workspaceId: string, now: Date): Promise<string> {
    const id = v7();
    const fact = factOf({
      workspaceId,
      type: 'erasure.requested',
      at: now.toISOString(),
      content: { erasureId: id, subject: null, because: 'retention' },
    });
    await tx.query(
      `INSERT INTO erasure (id, workspace_id, subject, entry_id, requested_at, requested_by, phase, state, due_at)
       VALUES ($1, $2, NULL, $3, $4, $5, 'erase', 'running', now())`,
      [id, workspaceId, fact.id, fact.at, JSON.stringify(fact.actor)],
    );
    await this.log.append(tx, [fact]);
    return id;
  }

  /** Answers whether something was pruned. */
  private async prune(tx: Tx, workspaceId: string, now: Date): Promise<boolean> {
    const [head] = await tx.query<{ first_index: string }>(
      'SELECT first_index FROM log_head WHERE workspace_id = $1 FOR UPDATE',
      [workspaceId],
    );
    if (!head) return false;
    const from = BigInt(head.first_index);
    const leaves = await tx.query<{ leaf_hash: Buffer }>(
      'SELECT leaf_hash FROM entry WHERE workspace_id = $1 AND index >= $2 AND index < $3 ORDER BY index',
      [workspaceId, String(from), String(from + BigInt(tilesAtOnce * tileEntries))],
    );
    let size = from;
    for (let tile = 0; tile < tilesAtOnce; tile += 1) {
      const [pruned] = await tx.query<{ first: string | null }>('SELECT prune_tile($1, $2) AS first', [
        workspaceId,
        now,
      ]);
      if (!pruned?.first) break;
      size = BigInt(pruned.first);
    }
    if (size === from) return false;
    const [before] = await tx.query<{ frontier: Buffer }>(
      'SELECT frontier FROM log_prune WHERE workspace_id = $1 AND size = $2',
      [workspaceId, String(from)],
    );
    const frontier = appendLeaves(
      before ? parseFrontier(before.frontier) : emptyFrontier(),
      leaves.slice(0, Number(size - from)).map(({ leaf_hash: hash }) => hash),
    );
    await tx.query('INSERT INTO log_prune (workspace_id, size, frontier) VALUES ($1, $2, $3)', [
      workspaceId,
      String(size),
      serializeFrontier(frontier),
    ]);
    await this.log.append(tx, [
      factOf({
        workspaceId,
        type: 'log.pruned',
        content: { size: Number(size), root: rootOf(frontier).toString('base64') },
      }),
    ]);
    return true;
  }
}

const addRequests = async (
  tx: Tx,
  workspaceId: string,
  erasureId: string | null,
  requests: readonly { request_id: string; workflow_key: string | null }[],
): Promise<void> => {
  const byId = new Map(requests.map((request) => [request.request_id, request]));
  const rows = [...byId.values()].sort((a, b) => (a.request_id < b.request_id ? -1 : 1));
  await tx.query('SELECT FROM erasure WHERE id = $1 FOR UPDATE', [erasureId]);
  await tx.query(
    `INSERT INTO erasure_request (erasure_id, request_id, workspace_id, is_requester, workflow_key, state)
     SELECT $1::uuid, r, $2::uuid, true, w, 'ready' FROM unnest($3::uuid[], $4::text[]) AS n (r, w) ON CONFLICT DO NOTHING`,
    [erasureId, workspaceId, rows.map((row) => row.request_id), rows.map((row) => row.workflow_key)],
  );
  await tx.query(`UPDATE erasure SET state = 'running', due_at = now() WHERE id = $1`, [erasureId]);
};
