import { everybody, type ErasedRequests } from '@countersign/erasure';
import type { RequestTransitioned } from '@countersign/contracts';
import type { TransactionSql } from '@countersign/persistence';
import { endedStates } from './ended';
import { erasureReopened } from './erasure-facts';
import type { ErasureState } from './erasure.rows';
import type { LogEntry } from '../log/log-entry';

interface Erased extends Record<string, unknown> {
  id: string;
  workspaceId: string;
  subject: string;
  /** What happened until then belongs to it. */
  requestedAt: Date;
}

/**
 * Entries of requests that are erased already, and entries about somebody who has been erased since they happened, keep what
 * they prove and nothing more. A request that nobody knew of when its requester was erased becomes part of that erasure.
 */
export const sealLate = async (
  sql: TransactionSql,
  entries: readonly LogEntry[],
  requests: ErasedRequests,
  snapshots: readonly RequestTransitioned['request'][],
): Promise<{ entries: LogEntry[]; isReopened: boolean }> => {
  const subjects = [...new Set(entries.flatMap(({ personal }) => personal.map(({ subject }) => subject)))];
  const erasures = await sql.query<Erased>(
    `SELECT id, workspace_id AS "workspaceId", subject, requested_at AS "requestedAt" FROM erasure
      WHERE subject = ANY ($1::uuid[]) AND phase = 'erase'`,
    [subjects],
  );
  const bySubject = new Map<string, Erased>();
  for (const one of erasures) {
    const key = `${one.workspaceId} ${one.subject}`;
    const known = bySubject.get(key);
    if (!known || known.requestedAt < one.requestedAt) bySubject.set(key, one);
  }
  const found = new Map<string, { erasure: Erased; requestId: string }>();
  const sealed = entries.map((entry): LogEntry => {
    const of = entry.requestId === null ? [] : requests.of(entry.requestId);
    return {
      ...entry,
      personal: entry.personal.map((item) => {
        if (of.some(({ subject }) => subject === everybody || subject === item.subject))
          return { ...item, isErased: true };
        const erasure = bySubject.get(`${entry.workspaceId} ${item.subject}`);
        if (!erasure || Date.parse(entry.at) > erasure.requestedAt.getTime()) return item;
        if (entry.requestId !== null)
          found.set(`${erasure.id} ${entry.requestId}`, { erasure, requestId: entry.requestId });
        return { ...item, isErased: true };
      }),
    };
  });
  if (found.size === 0) return { entries: sealed, isReopened: false };
  const reopened = await reopen(sql, [...found.values()], snapshots);
  return { entries: [...sealed, ...reopened], isReopened: true };
};

/** Answers what the log is told of it: an erasure that had come to its end does so twice. */
const reopen = async (
  sql: TransactionSql,
  found: readonly { erasure: Erased; requestId: string }[],
  snapshots: readonly RequestTransitioned['request'][],
): Promise<LogEntry[]> => {
  const rows = found.flatMap(({ erasure, requestId }) => {
    const newest = snapshots
      .filter(({ id }) => id === requestId)
      .reduce<RequestTransitioned['request'] | null>((a, b) => (a && a.version > b.version ? a : b), null);
    return newest ? [{ erasure, request: newest }] : [];
  });
  const ids = [...new Set(rows.map(({ erasure }) => erasure.id))].sort();
  const locked = await sql.query<{ id: string; state: ErasureState }>(
    'SELECT id, state FROM erasure WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE',
    [ids],
  );
  const added = await sql.query<{ erasure_id: string }>(
    `INSERT INTO erasure_request (erasure_id, request_id, workspace_id, is_requester, workflow_key, state)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[], $5::text[], $6::text[]) ON CONFLICT DO NOTHING RETURNING erasure_id`,
    [
      rows.map(({ erasure }) => erasure.id),
      rows.map(({ request }) => request.id),
      rows.map(({ request }) => request.workspaceId),
      rows.map(({ erasure, request }) => request.requester.id === erasure.subject),
      rows.map(({ request }) => request.workflow.key),
      rows.map(({ request }) => (endedStates.includes(request.state) ? 'ready' : 'waiting')),
    ],
  );
  const joined = new Map(rows.map(({ erasure }) => [erasure.id, erasure]));
  const open = [...joined.keys()].filter((id) => added.some((row) => row.erasure_id === id));
  await sql.query(`UPDATE erasure SET state = 'running', due_at = now() WHERE id = ANY ($1::uuid[])`, [open]);
  const done = new Set(locked.filter(({ state }) => state === 'done').map(({ id }) => id));
  return open
    .filter((id) => done.has(id))
    .flatMap((id) => joined.get(id) ?? [])
    .map(erasureReopened);
};
