import { createHash } from 'node:crypto';
import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { contentOfCall, type Call } from '@countersign/service-kit';
import type { AuditLog } from '../log/audit-log';
import { factOf } from '../log/fact';
import type { EntryFilter } from '../log/entry.rows';
import type { FormatName } from './formats/export-format';

/** The log as it was when an export began. */
export interface Snapshot {
  size: number;
  /** Signed note. */
  checkpoint: string;
  /** Index of the first entry that was not pruned: from there on none may be missing. */
  first: number;
}

export interface ExportFacts {
  /** Absent when nobody called for it just now. */
  call?: Call;
  actor: Actor;
  keyId: string;
  format: FormatName;
  /** The first index asked for. */
  from: number;
  filter: EntryFilter;
  /** The schedule that it was made for. */
  scheduleId?: string;
}

/** The log's newest state, of a log whose head is there. */
export const snapshotOf = async (
  sql: Sql,
  workspaceId: string,
  lock: '' | 'FOR UPDATE' = '',
): Promise<Snapshot> => {
  const [head] = await sql.query<{ checkpoint: string; first: string }>(
    `SELECT checkpoint, first_index AS first
       FROM log_head WHERE workspace_id = $1 ${lock}`,
    [workspaceId],
  );
  if (!head) throw new Error('a log without a head');
  const size = Number(head.checkpoint.split('\n')[1]);
  return { size, checkpoint: head.checkpoint, first: Number(head.first) };
};

/** A type is a code of ours; anything else that somebody asked for is only told by its hash. */
const codeOf = (text: string): string =>
  /^([a-z_]{1,40}\.[a-z_]{1,40}|(decision-link:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.test(text)
    ? text
    : `sha256:${createHash('sha256').update(text).digest('hex')}`;

/**
 * Takes the log as it is and appends that it is exported, as one step: the entry is the first that the export does not have.
 */
export const recordExport = async (
  sql: Sql,
  log: AuditLog,
  workspaceId: string,
  { call, actor, keyId, format, from, filter, scheduleId }: ExportFacts,
): Promise<Snapshot> => {
  // Makes the head of a log that has none.
  await log.checkpoint(sql, workspaceId);
  const snapshot = await snapshotOf(sql, workspaceId, 'FOR UPDATE');
  const { requestId, actor: by, via, type, workflow, allowed } = filter;
  await log.append(sql, [
    factOf({
      workspaceId,
      type: 'audit.exported',
      actor,
      content: {
        keyId,
        format,
        fromIndex: from,
        treeSize: snapshot.size,
        filter: {
          from: filter.from ?? null,
          to: filter.to ?? null,
          requestId: requestId ?? null,
          actorId: by === undefined ? null : by === '' ? 'unknown' : by,
          via: via === undefined ? null : codeOf(via),
          type: type === undefined ? null : codeOf(type),
          workflow: workflow ?? null,
        },
        allowedWorkflows: allowed,
        ...(scheduleId === undefined ? {} : { scheduleId }),
        ...(call ? contentOfCall(call) : {}),
      },
    }),
  ]);
  return snapshot;
};
