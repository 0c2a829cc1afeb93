import type { Actor } from '@countersign/contracts';
import type { Counts } from '@countersign/erasure';
import { factOf } from '../log/fact';
import type { LogEntry } from '../log/log-entry';
import type { ErasureRow } from './erasure.rows';

/** What somebody gave for a reason, kept for whoever wrote it: it goes when they are erased. */
export const reasonOf = (actor: Actor, reason: string): LogEntry['personal'] =>
  actor.id === null ? [] : [{ subject: actor.id, kind: 'reason', data: reason }];

export const erasureCompleted = (
  { id, workspace_id: workspaceId, subject, counts }: ErasureRow,
  requests: number,
  services: Record<string, Counts>,
): LogEntry =>
  factOf({
    workspaceId,
    type: 'erasure.completed',
    content: { erasureId: id, subject, requests, sealed: counts.sealed ?? 0, services },
  });

/** A request that nobody had heard of belongs to an erasure that had been completed: it will be so again. */
export const erasureReopened = ({
  id,
  workspaceId,
  subject,
}: {
  id: string;
  workspaceId: string;
  subject: string;
}): LogEntry =>
  factOf({ workspaceId, type: 'erasure.reopened', content: { erasureId: id, subject, because: 'late' } });
