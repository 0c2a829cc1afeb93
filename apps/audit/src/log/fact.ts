import { bySystem, type Actor } from '@countersign/contracts';
import { contentOfCall, type Call } from '@countersign/service-kit';
import { v7 } from 'uuid';
import type { LogEntry } from './log-entry';

/**
 * A fact of this service's own, by default about no request, by the system, and now. `content` says ids, codes, numbers and
 * hashes only; who did it is added.
 */
export const factOf = (
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
  content: leafContent({ actor: bySystem, ...fact }, fact.content),
});

/**
 * What a fact says in its leaf: who, and of which workflow it is where it is about no request of one. So whatever entries are
 * found by is told by leaves. Facts of other services say their workflow themselves.
 */
const leafContent = (
  { actor, requestId, workflowKey }: Pick<LogEntry, 'actor'> & Partial<LogEntry>,
  content: Record<string, unknown>,
): Record<string, unknown> => ({
  actor,
  ...((requestId ?? null) === null && (workflowKey ?? null) !== null ? { workflow: workflowKey } : {}),
  ...content,
});

/** A fact that a call has brought about: what else is known of the call is added to its content. */
export const factOfCall = (
  call: Call,
  actor: Actor,
  fact: Pick<LogEntry, 'type' | 'content'> & Partial<Omit<LogEntry, 'workspaceId' | 'actor'>>,
): LogEntry =>
  factOf({
    ...fact,
    workspaceId: call.workspaceId,
    actor,
    content: { ...fact.content, ...contentOfCall(call) },
  });
