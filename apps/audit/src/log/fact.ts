import type { Actor } from '@countersign/contracts';
import { v7 } from 'uuid';
import type { LogEntry } from './log-entry';

/** A fact about the workspace itself, not about a request, that happens now. `content` says ids, codes and numbers only. */
export const factOf = (
  workspaceId: string,
  type: string,
  actor: Actor,
  content: Record<string, unknown>,
): LogEntry => ({
  workspaceId,
  id: v7(),
  type,
  at: new Date().toISOString(),
  actor,
  requestId: null,
  requestVersion: null,
  taskId: null,
  workflowKey: null,
  content: { actor, ...content },
  personal: [],
});
