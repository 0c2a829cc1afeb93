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
import type { Database, Sql } from '@countersign/persistence';
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
  /** Every one that something is kept for. */
  durations: string[];
}

/** Entries to be looked at, and what is remembered when that is done. */
interface Page extends Record<string, unknown> {
  indexes: string[];
}

/** `busy`: another process is at it. */
type Step = 'more' | 'done' | 'busy';

/**
 * Erases what has been kept for its time, by the way of an erasure of everybody in it, and prunes the beginning of the log once
 * nothing in it has to stay, in bounded transactions. What has been looked at is in the database: a sweep looks at what came since
 * the one before, and at what has grown old since.
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
    @Inject(LOG) private readonly faults: Log,
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
    let isResting = true;
    for (const { workspace_id: workspaceId } of due) isResting = (await this.sweep(workspaceId)) && isResting;
    return isResting ? null : 0;
  }

  /** Answers whether another process is at it. What fails is put off: the other workspaces do not wait for it. */
  private async sweep(workspaceId: string): Promise<boolean> {
    let step: Step = 'more';
    try {
      while (step === 'more' && !this.stopping)
        step = await this.unitOfWork([workspaceId], (tx) => this.step(tx, workspaceId));
    } catch (error) {
      this.faults.error({ err: error, workspaceId }, 'sweeping for retention');
      await this.unitOfWork([workspaceId], (tx) =>
        tx.query('UPDATE retention SET due_at = $2 WHERE workspace_id = $1', [
          workspaceId,
          new Date(this.clock.now().getTime() + soonSeconds * 1_000),
        ]),
      );
    }
    return step === 'busy';
  }

  private async step(tx: Tx, workspaceId: string): Promise<Step> {
    const now = this.clock.now();
    const [row] = await tx.query<RetentionRow>(
      `SELECT workspace_id, cursor, erasure_id,
              ARRAY (SELECT keep WHERE keep IS NOT NULL UNION SELECT value FROM jsonb_each_text(workflows) WHERE value IS NOT NULL) AS durations
         FROM retention WHERE workspace_id = $1 AND due_at <= $2 FOR UPDATE SKIP LOCKED`,
      [workspaceId, now],
    );
    if (!row) return 'busy';
    if (row.durations.length > 0) {
      if (await this.eraseExpired(tx, row, now)) return 'more';
      if (await this.prune(tx, workspaceId, now)) return 'more';
    }
    // All of it is known only now: an erasure comes to an end once.
    tx.write('UPDATE erasure SET due_at = now() WHERE id = $1', [row.erasure_id]);
    tx.write(
      `UPDATE retention SET erasure_id = NULL,
              due_at = $2::timestamptz + CASE WHEN EXISTS (SELECT FROM erasure WHERE workspace_id = $1 AND subject IS NULL AND due_at IS NOT NULL)
                                              THEN interval '${soonSeconds} seconds' ELSE interval '${everyMinutes} minutes' END
        WHERE workspace_id = $1`,
      [workspaceId, now],
    );
    tx.afterCommit(() => this.erasures.wake());
    return 'done';
  }

  /** Looks at the next entries that may be old enough; false when there are none. */
  private async eraseExpired(tx: Tx, row: RetentionRow, now: Date): Promise<boolean> {
    const page = (await appendedSince(tx, row, now)) ?? (await grownOldSince(tx, row, now));
    if (!page) return false;
    const { workspace_id: workspaceId } = row;
    const expired = await expiredRequests(tx, workspaceId, page, now);
    const sealed = await expiredFacts(tx, workspaceId, page, now);
    if (expired.length === 0 && sealed.length === 0) return true;
    const erasureId = row.erasure_id ?? (await this.begin(tx, workspaceId, now));
    await addRequests(tx, workspaceId, erasureId, expired);
    await unseal(tx, workspaceId, erasureId, sealed);
    return true;
  }

  /** Nobody goes on with it before the sweep has come to its end. */
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
       VALUES ($1, $2, NULL, $3, $4, $5, 'erase', 'running', NULL)`,
      [id, workspaceId, fact.id, fact.at, JSON.stringify(fact.actor)],
    );
    await tx.query('UPDATE retention SET erasure_id = $2 WHERE workspace_id = $1', [workspaceId, id]);
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

/** The next entries that no sweep has looked at yet; null when there are none. */
const appendedSince = async (
  sql: Sql,
  { workspace_id: workspaceId, cursor, durations }: RetentionRow,
  now: Date,
): Promise<Page | null> => {
  const [page] = await sql.query<Page & { last: string | null }>(
    `SELECT array_agg(index) AS indexes, max(index) AS last
       FROM (SELECT index FROM entry WHERE workspace_id = $1 AND index > $2 ORDER BY index LIMIT ${entriesAtOnce}) e`,
    [workspaceId, cursor],
  );
  if (!page?.last) return null;
  // Whoever looks at the whole log looks at it from now on: what is not old enough by now grows old behind the fronts.
  await sql.query(
    `UPDATE retention
        SET cursor = $2, fronts = CASE WHEN cursor >= 0 THEN fronts ELSE
              (SELECT jsonb_object_agg(d, (($4::timestamptz AT TIME ZONE 'UTC') - d::interval) AT TIME ZONE 'UTC') FROM unnest($3::text[]) AS d) END
      WHERE workspace_id = $1`,
    [workspaceId, page.last, durations, now],
  );
  return page;
};

/** The next entries that have become older than one of the durations; null when there are none. */
const grownOldSince = async (
  sql: Sql,
  { workspace_id: workspaceId, durations }: RetentionRow,
  now: Date,
): Promise<Page | null> => {
  for (const duration of durations) {
    const [page] = await sql.query<{ indexes: string[] | null; front: string }>(
      // What happened at the very same time is looked at together.
      `WITH span AS (
         SELECT (fronts ->> $2::text)::timestamptz AS from_at, (($3::timestamptz AT TIME ZONE 'UTC') - $2::interval) AT TIME ZONE 'UTC' AS to_at
           FROM retention WHERE workspace_id = $1
       ), front AS (
         SELECT coalesce((SELECT at + interval '1 microsecond' FROM entry
                           WHERE workspace_id = $1 AND at >= (SELECT from_at FROM span) AND at < (SELECT to_at FROM span)
                           ORDER BY at OFFSET ${entriesAtOnce - 1} LIMIT 1), (SELECT to_at FROM span)) AS at
       )
       SELECT (SELECT at FROM front)::text AS front,
              ARRAY (SELECT index FROM entry
                      WHERE workspace_id = $1 AND at >= (SELECT from_at FROM span) AND at < (SELECT at FROM front)) AS indexes`,
      [workspaceId, duration, now],
    );
    if (!page?.indexes?.length) continue;
    await sql.query(
      `UPDATE retention SET fronts = jsonb_set(fronts, ARRAY[$2::text], to_jsonb($3::timestamptz)) WHERE workspace_id = $1`,
      [workspaceId, duration, page.front],
    );
    return { indexes: page.indexes };
  }
  return null;
};

interface Expired extends Record<string, unknown> {
  request_id: string;
  workflow_key: string | null;
}

/** Requests of these entries that have ended and whose time is over. Whose request it is its newest state says: facts about it may not know. */
const expiredRequests = (sql: Sql, workspaceId: string, { indexes }: Page, now: Date): Promise<Expired[]> =>
  sql.query<Expired>(
    `SELECT r.request_id, newest.workflow_key
       FROM (SELECT DISTINCT request_id FROM entry
              WHERE workspace_id = $1 AND index = ANY ($2::bigint[]) AND request_id IS NOT NULL AND at < over_before($1, workflow_key, $3)) r
      CROSS JOIN LATERAL (SELECT snapshot ->> 'state' AS state, snapshot #>> '{workflow,key}' AS workflow_key FROM transition t WHERE t.request_id = r.request_id ORDER BY t.request_version DESC LIMIT 1) newest
      WHERE newest.state = ANY ($4::text[])
        AND NOT EXISTS (SELECT FROM entry later WHERE later.workspace_id = $1 AND later.request_id = r.request_id AND later.request_version IS NOT NULL
                           AND (later.at < over_before($1, later.workflow_key, $3)) IS NOT TRUE)
        AND NOT EXISTS (SELECT FROM erasure_request q JOIN erasure x ON x.id = q.erasure_id WHERE q.request_id = r.request_id AND x.subject IS NULL)
        AND NOT is_held($1, r.request_id, newest.workflow_key)`,
    [workspaceId, indexes, now, endedStates],
  );

interface SealedPlace extends Record<string, unknown> {
  index: string;
  position: number;
}

/** What is sealed in those of these entries that are about no request, such as the reason of an erasure: it is in the log only. */
const expiredFacts = (sql: Sql, workspaceId: string, { indexes }: Page, now: Date): Promise<SealedPlace[]> =>
  sql.query<SealedPlace>(
    `SELECT s.index, s.position FROM entry e JOIN sealed s ON s.workspace_id = e.workspace_id AND s.index = e.index
      WHERE e.workspace_id = $1 AND e.index = ANY ($2::bigint[]) AND e.request_id IS NULL AND s.salt IS NOT NULL
        AND e.at < over_before($1, e.workflow_key, $3) AND NOT is_held($1, NULL, e.workflow_key)
        AND NOT EXISTS (SELECT FROM hold h WHERE h.workspace_id = $1 AND h.released_at IS NULL AND (h.subject = s.subject OR h.entry_id = e.id))`,
    [workspaceId, indexes, now],
  );

const unseal = async (
  sql: Sql,
  workspaceId: string,
  erasureId: string,
  places: readonly SealedPlace[],
): Promise<void> => {
  if (places.length === 0) return;
  await sql.query(
    `UPDATE sealed s SET salt = NULL, data = NULL FROM unnest($2::bigint[], $3::int[]) AS p (index, position)
      WHERE s.workspace_id = $1 AND s.index = p.index AND s.position = p.position`,
    [workspaceId, places.map(({ index }) => index), places.map(({ position }) => position)],
  );
  await sql.query(
    `UPDATE erasure SET counts = json_build_object('sealed', coalesce((counts ->> 'sealed')::int, 0) + $2) WHERE id = $1`,
    [erasureId, places.length],
  );
};

const addRequests = async (
  sql: Sql,
  workspaceId: string,
  erasureId: string,
  requests: readonly Expired[],
): Promise<void> => {
  if (requests.length === 0) return;
  await sql.query(
    `INSERT INTO erasure_request (erasure_id, request_id, workspace_id, is_requester, workflow_key, state)
     SELECT $1::uuid, r, $2::uuid, true, w, 'ready' FROM unnest($3::uuid[], $4::text[]) AS n (r, w) ON CONFLICT DO NOTHING`,
    [erasureId, workspaceId, requests.map((row) => row.request_id), requests.map((row) => row.workflow_key)],
  );
};
