import { bySystem } from '@countersign/contracts';
import { ObjectStoreError, type ObjectStore } from '@countersign/object-store';
import type { UnitOfWork } from '@countersign/messaging';
import type { Database, Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { isUnfiltered, readPage } from '../export/entry-page.rows';
import { BrokenRange, entryStream, type Sent } from '../export/entry-stream';
import { recordExport, snapshotOf } from '../export/export-record';
import { formatOf } from '../export/formats/format-of';
import type { AuditLog } from '../log/audit-log';
import { factOf } from '../log/fact';
import type { Run, Schedule, Target } from './schedule';
import {
  failRun,
  findHeld,
  findRunning,
  finishRun,
  insertRun,
  postpone,
  releaseLease,
  skipTo,
} from './schedule.rows';

/** Entries of one file; what is more goes into further ones. */
const mostEntries = 1_000_000;

export interface RunParts {
  log: AuditLog;
  database: Database;
  unitOfWork: UnitOfWork;
  stores: { get(type: Target['type']): ObjectStore | null };
}

export interface Claim {
  id: string;
  workspaceId: string;
  lease: string;
  /** Holds the schedule for longer; false when somebody else has it by now. */
  renew: () => Promise<boolean>;
  /** Aborted when the process is to end, or is known to have lost the schedule. */
  stop: AbortSignal;
}

/** `left`: for another process, or has become its own; nothing failed. */
export type Outcome = 'done' | 'failed' | 'left';

/** Somebody else does the run by now. */
class LeaseLost extends Error {
  override name = 'LeaseLost';
}

/**
 * One run of a schedule that is ours: plans it, or goes on with one that was left; puts the file and then its manifest; and says
 * so. What it is to export and its name are settled beforehand, so however often it is done the outcome is the same.
 */
export const runSchedule = async (parts: RunParts, claim: Claim): Promise<Outcome> => {
  const { unitOfWork } = parts;
  const { workspaceId, lease } = claim;
  try {
    const planned = await unitOfWork([workspaceId], (tx) => plan(parts, tx, claim));
    if (!planned) return 'done';
    const { schedule, run } = planned;
    const sent = await putFiles(parts, claim, schedule, run);
    const isOurs = await unitOfWork([workspaceId], (tx) =>
      finishRun(tx, { scheduleId: schedule.id, lease, run, ...sent, isLast: run.to >= run.treeSize }),
    );
    return isOurs ? 'done' : 'left';
  } catch (error) {
    const isLeft = claim.stop.aborted || error instanceof LeaseLost;
    return unitOfWork([workspaceId], (tx) => (isLeft ? leave(tx, claim) : fail(parts, tx, claim, error)));
  }
};

/** Null when there is nothing new, or somebody else has the schedule by now. */
const plan = async (
  { log }: RunParts,
  tx: Sql,
  { id, workspaceId, lease }: Claim,
): Promise<{ schedule: Schedule; run: Run } | null> => {
  const schedule = await findHeld(tx, id, lease);
  if (!schedule) return null;
  await log.checkpoint(tx, workspaceId);
  const now = await snapshotOf(tx, workspaceId, 'FOR UPDATE');
  const from = Math.max(schedule.nextIndex, now.first);
  if (from > schedule.nextIndex) await skipPruned(log, tx, schedule, from);
  const left = await findRunning(tx, id);
  if (left) return { schedule, run: left };
  if (!(await hasNews(tx, workspaceId, from, now.size))) {
    await postpone(tx, id, lease);
    return null;
  }
  const { filter, format, keyId, target } = schedule;
  const snapshot = await recordExport(tx, log, workspaceId, {
    actor: bySystem,
    keyId,
    format,
    from,
    filter,
    scheduleId: id,
  });
  const to = Math.min(snapshot.size, from + mostEntries);
  const folder = [workspaceId, ...target.path.split('/').filter(Boolean)].join('/');
  const number = (index: number) => String(index).padStart(12, '0');
  const run = await insertRun(tx, {
    id: v7(),
    workspaceId,
    scheduleId: id,
    from,
    to,
    treeSize: snapshot.size,
    checkpoint: snapshot.checkpoint,
    file: `${folder}/audit-${id}-${number(from)}-${number(to - 1)}.${formatOf(format, workspaceId).extension}`,
  });
  return { schedule, run };
};

/** That something was exported is no news: else each run would be the reason for the next. */
const hasNews = async (sql: Sql, workspaceId: string, from: number, to: number): Promise<boolean> =>
  (
    await sql.query(
      `SELECT 1 FROM entry WHERE workspace_id = $1 AND index >= $2 AND index < $3 AND type <> 'audit.exported' ORDER BY index LIMIT 1`,
      [workspaceId, from, to],
    )
  ).length > 0;

/** What was pruned before it could be exported is lost to the schedule: it goes on with what is left, and the log says so. */
const skipPruned = async (log: AuditLog, tx: Sql, schedule: Schedule, first: number): Promise<void> => {
  const { id, nextIndex } = schedule;
  await skipTo(
    tx,
    id,
    first,
    `The entries ${nextIndex} to ${first - 1} were pruned before they were exported.`,
  );
  const gap = { firstIndex: nextIndex, lastIndex: first - 1 };
  await recordFailure(log, tx, schedule, { reason: 'pruned', ...gap });
};

/** The file, and then its manifest. Each is seen only if the schedule was still ours when all of it had been written. */
const putFiles = async (
  { database, stores }: RunParts,
  { workspaceId, renew, stop }: Claim,
  schedule: Schedule,
  run: Run,
): Promise<Sent & { sha256: string }> => {
  const store = stores.get(schedule.target.type);
  if (!store)
    throw new ObjectStoreError('unavailable', `this deployment has no ${schedule.target.type} for exports`);
  const whileOurs = async function* (chunks: AsyncIterable<Buffer>) {
    yield* chunks;
    if (!(await renew())) throw new LeaseLost();
  };
  const format = formatOf(schedule.format, workspaceId);
  const sent: Sent = { entries: 0, bytes: 0, last: null, digest: null };
  const { filter } = schedule;
  const chunks = entryStream(
    {
      range: { from: run.from, to: run.to },
      format,
      isWhole: isUnfiltered(filter),
      read: async (range) => {
        stop.throwIfAborted();
        return readPage(database, workspaceId, filter, range);
      },
    },
    sent,
  );
  await store.put(run.file, whileOurs(chunks), format.mediaType);
  const sha256 = Buffer.from(sent.digest ?? '', 'base64').toString('hex');
  const manifest = JSON.stringify(manifestOf(schedule, run, sent, sha256), null, 2);
  await store.put(`${run.file}.manifest.json`, whileOurs(once(manifest)), 'application/json');
  return { ...sent, sha256 };
};

const manifestOf = (schedule: Schedule, run: Run, sent: Sent, sha256: string) => ({
  workspace: schedule.workspaceId,
  schedule: schedule.id,
  run: run.id,
  file: run.file.slice(run.file.lastIndexOf('/') + 1),
  format: schedule.format,
  filter: schedule.filter,
  firstIndex: run.from,
  lastIndex: run.to - 1,
  entries: sent.entries,
  bytes: sent.bytes,
  sha256,
  treeSize: run.treeSize,
  checkpoint: run.checkpoint,
});

async function* once(text: string): AsyncGenerator<Buffer, void, void> {
  yield Buffer.from(text, 'utf8');
}

/** Whoever looks next goes on with the run. */
const leave = async (tx: Sql, { id, lease }: Claim): Promise<Outcome> => {
  await releaseLease(tx, id, lease);
  return 'left';
};

const fail = async (
  { log }: RunParts,
  tx: Sql,
  { id, workspaceId, lease }: Claim,
  error: unknown,
): Promise<Outcome> => {
  const schedule = await findHeld(tx, id, lease);
  if (!schedule) return 'left';
  const { first } = await snapshotOf(tx, workspaceId, 'FOR UPDATE');
  if (error instanceof BrokenRange && first > schedule.nextIndex) {
    await skipPruned(log, tx, schedule, first);
    await releaseLease(tx, id, lease);
    return 'failed';
  }
  const { code, text } = reasonOf(error);
  await failRun(tx, id, text);
  if (schedule.failures === 0) await recordFailure(log, tx, schedule, { reason: code });
  return 'failed';
};

const reasonOf = (error: unknown): { code: string; text: string } => {
  if (error instanceof ObjectStoreError) return { code: error.code, text: error.message };
  if (error instanceof BrokenRange) return { code: 'broken_range', text: error.message };
  return { code: 'interrupted', text: 'The export was interrupted.' };
};

const recordFailure = (
  log: AuditLog,
  tx: Sql,
  { id, workspaceId }: Schedule,
  details: { reason: string; firstIndex?: number; lastIndex?: number },
): Promise<void> =>
  log.append(tx, [
    factOf({ workspaceId, type: 'export_schedule.failed', content: { scheduleId: id, ...details } }),
  ]);
