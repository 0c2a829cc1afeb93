import type { Actor } from '@countersign/contracts';
import type { Counts } from '@countersign/erasure';
import { v7 } from 'uuid';
import type { LogEntry } from '../log/log-entry';
import type { ErasureRow } from './erasure.rows';

const bySystem: Actor = { type: 'system', id: null, via: null };

/** A fact about the trail itself. */
export const trailFact = (
  fact: Pick<LogEntry, 'workspaceId' | 'type' | 'content'> & Partial<LogEntry>,
): LogEntry => ({
  id: v7(),
  at: new Date().toISOString(),
  actor: bySystem,
  requestId: null,
  requestVersion: null,
  taskId: null,
  workflowKey: null,
  personal: [],
  ...fact,
  content: { actor: fact.actor ?? bySystem, ...fact.content },
});

/** What somebody gave for a reason, kept for whoever wrote it: it goes when they are erased. */
export const reasonOf = (actor: Actor, reason: string): LogEntry['personal'] =>
  actor.id === null ? [] : [{ subject: actor.id, kind: 'reason', data: reason }];

export const erasureCompleted = (
  { id, workspace_id: workspaceId, subject, counts }: ErasureRow,
  requests: number,
  services: Record<string, Counts>,
): LogEntry =>
  trailFact({
    workspaceId,
    type: 'erasure.completed',
    content: { erasureId: id, subject, requests, sealed: counts.sealed ?? 0, services },
  });
