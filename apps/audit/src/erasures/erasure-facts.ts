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
