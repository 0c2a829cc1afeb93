import { bySystem } from '@countersign/contracts';
import { ObjectStoreError } from '@countersign/object-store';
import type { UnitOfWork } from '@countersign/messaging';
import type { Database, Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import { isUnfiltered, readPage } from '../export/entry-page.rows';
import { BrokenRange, entryStream, type Sent } from '../export/entry-stream';
import { recordExport, snapshotOf } from '../export/export-record';
import { formatOf } from '../export/formats/format-of';
import type { AuditLog } from '../log/audit-log';
import { factOf } from '../log/fact';
import type { ExportStores } from './export-stores';
import type { Run, Schedule } from './schedule';
import {
  failRun,
  findRunning,
  findSchedule,
  finishRun,
  holdsLease,
  insertRun,
  postpone,
} from './schedule.rows';

/** Entries of one file; what is more goes into further ones. */
const mostEntries = 1_000_000;

export interface RunParts {
  log: AuditLog;
  database: Database;
  unitOfWork: UnitOfWork;
  stores: ExportStores;
}

export interface Claim {
  id: string;
  workspaceId: string;
  lease: string;
}

/**
 * One run of a schedule that is ours: plans it, or goes on with one that was left; puts the file and then its manifest; and says
 * so. What it is to export and its name are settled beforehand, so however often it is done the outcome is the same. Answers
 * whether it went well.
 */
export const runSchedule = async (parts: RunParts, claim: Claim, stop: AbortSignal): Promise<boolean> => {
  const { database, unitOfWork, stores } = parts;
  const { id, workspaceId, lease } = claim;
  const schedule = await database.read(workspaceId, (sql) => findSchedule(sql, id));
  if (!schedule) return true;
  try {
    const run = await unitOfWork([workspaceId], (tx) => plan(parts, tx, schedule, lease));
    if (!run) return true;
    const store = stores.get(schedule.target.type);
    if (!store)
      throw new ObjectStoreError('unavailable', `this deployment has no ${schedule.target.type} for exports`);
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
          return database.read(workspaceId, (sql) => readPage(sql, workspaceId, filter, range));
        },
      },
      sent,
    );
    await store.put(run.file, chunks, format.mediaType);
    const sha256 = Buffer.from(sent.digest ?? '', 'base64').toString('hex');
    const manifest = JSON.stringify(manifestOf(schedule, run, sent, sha256), null, 2);
    await store.put(`${run.file}.manifest.json`, once(manifest), 'application/json');
    stop.throwIfAborted();
    await unitOfWork([workspaceId], (tx) =>
      finishRun(tx, { scheduleId: id, lease, run, ...sent, sha256, isLast: run.to >= run.treeSize }),
    );
    return true;
  } catch (error) {
    const reason = reasonOf(error);
    await unitOfWork([workspaceId], async (tx) => {
      if ((await failRun(tx, id, lease, reason.text)) === 1)
        await recordFailure(parts.log, tx, schedule, reason.code);
    });
    return false;
  }
};

/** Null when there is nothing new, or somebody else has the schedule by now. */
const plan = async ({ log }: RunParts, tx: Sql, schedule: Schedule, lease: string): Promise<Run | null> => {
  const { id, workspaceId, nextIndex, filter, format, keyId, target } = schedule;
  if (!(await holdsLease(tx, id, lease))) return null;
  const left = await findRunning(tx, id);
  if (left) return left;
  await log.checkpoint(tx, workspaceId);
  const now = await snapshotOf(tx, workspaceId);
  if (!(await hasNews(tx, workspaceId, nextIndex, now.size))) {
    await postpone(tx, id, lease);
    return null;
  }
  const snapshot = await recordExport(tx, log, workspaceId, {
    actor: bySystem,
    keyId,
    format,
    from: nextIndex,
    filter,
    scheduleId: id,
  });
  const from = Math.max(nextIndex, snapshot.first);
  const to = Math.min(snapshot.size, from + mostEntries);
  const folder = [workspaceId, ...target.path.split('/').filter(Boolean)].join('/');
  const number = (index: number) => String(index).padStart(12, '0');
  return insertRun(tx, {
    id: v7(),
    workspaceId,
    scheduleId: id,
    from,
    to,
    treeSize: snapshot.size,
    checkpoint: snapshot.checkpoint,
    file: `${folder}/audit-${workspaceId}-${number(from)}-${number(to - 1)}.${formatOf(format, workspaceId).extension}`,
  });
};

/** That something was exported is no news: else each run would be the reason for the next. */
const hasNews = async (sql: Sql, workspaceId: string, from: number, to: number): Promise<boolean> =>
  (
    await sql.query(
      `SELECT 1 FROM entry WHERE workspace_id = $1 AND index >= $2 AND index < $3 AND type <> 'audit.exported' ORDER BY index LIMIT 1`,
      [workspaceId, from, to],
    )
  ).length > 0;

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

const reasonOf = (error: unknown): { code: string; text: string } => {
  if (error instanceof ObjectStoreError) return { code: error.code, text: error.message };
  if (error instanceof BrokenRange) return { code: 'broken_range', text: error.message };
  return { code: 'interrupted', text: 'The export was interrupted.' };
};

const recordFailure = (
  log: AuditLog,
  tx: Sql,
  { id, workspaceId }: Schedule,
  reason: string,
): Promise<void> =>
  log.append(tx, [
    factOf({ workspaceId, type: 'export_schedule.failed', content: { scheduleId: id, reason } }),
  ]);
